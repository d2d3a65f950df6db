import { useEffect } from "preact/hooks";
import { unreachable, watchServer } from "./api/pulse";
import { signInNeeded } from "./api/refusal";
import { later } from "./later";
import { ListView } from "./list/view";
import { route } from "./router";
import { askWho } from "./session/store";
import { Account, SignIn } from "./session/view";
import { SweepView } from "./sweep/view";
import { choose, theme, type Theme } from "./theme";

const NewView = later(() => import("./new/view").then((of) => of.NewView));
const CompareView = later(() => import("./compare/view").then((of) => of.CompareView));

/** The frame around every view. */
export function App() {
  const at = route.value;
  useEffect(watchServer, []);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          Floodgauge
        </a>
        <nav aria-label="Main">
          <a href="#/" aria-current={at.view === "list" ? "page" : undefined}>
            Sweeps
          </a>
          <a href="#/new" aria-current={at.view === "new" ? "page" : undefined}>
            New sweep
          </a>
          <a href="docs">API</a>
        </nav>
        <ThemeChoice />
        <Account />
      </header>
      <Away />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
    </>
  );
}

/** Tells of a server that doesn't answer, in every view. */
function Away() {
  if (!unreachable.value) return null;
  return (
    <p class="away" role="alert">
      {unreachable.value} This page may be out of date. Trying again…
    </p>
  );
}

/** Goes to the content without a change of the address, which is the router's. */
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "auto"],
  ["light", "light"],
  ["dark", "dark"],
];

function ThemeChoice() {
  return (
    <label class="theme">
      <span class="visually-hidden">Colours</span>
      <select value={theme.value} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        {THEMES.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function View() {
  const at = route.value;
  useEffect(() => void askWho(), []);
  if (signInNeeded.value) return <SignIn />;
  switch (at.view) {
    case "list":
      return <ListView />;
    case "new":
      // Begun anew from another sweep.
      return <NewView key={at.from ?? ""} from={at.from} />;
    case "sweep":
      // Another sweep is another view: nothing of the old one may stay.
      return <SweepView key={at.id} id={at.id} />;
    case "compare":
      return <CompareView key={at.ids.join()} ids={at.ids} />;
    case "lost":
      return (
        <section class="empty">
          <h1>There is nothing here</h1>
          <p>
            <a href="#/">All sweeps</a>
          </p>
        </section>
      );
  }
}
