import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/fields.css";
import "./styles/list.css";
import "./styles/new.css";
import "./styles/compare.css";
import "./styles/sweep/frame.css";
import "./styles/sweep/answer.css";
import "./styles/sweep/charts.css";
import "./styles/sweep/evidence.css";
import "./styles/sweep/machinery.css";
import { App } from "./app";

const page = document.getElementById("page");
if (page) render(<App />, page);
