import { ListView } from "./list/view";
import { NewView } from "./new/view";
import { route } from "./router";
import { SweepView } from "./sweep/view";

/** The frame around every view. */
export function App() {
  const at = route.value;
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
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <View />
      </main>
    </>
  );
}

/** Goes to the content without a change of the address, which is the router's. */
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function View() {
  const at = route.value;
  switch (at.view) {
    case "list":
      return <ListView />;
    case "new":
      return <NewView />;
    case "sweep":
      // Another sweep is another view: nothing of the old one may stay.
      return <SweepView key={at.id} id={at.id} />;
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
