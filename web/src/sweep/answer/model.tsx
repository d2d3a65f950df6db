import { address } from "../../api/client";
import type { Best } from "../../api/types";
import { familiesIn } from "../scope";
import { hasModel, type SweepState } from "../state";

/** Takes the best arm's model away: weights and running statistics, of the seed that one chooses. */
export function Model({ state, best }: { state: SweepState; best: Best | null }) {
  const { detail } = state;
  if (!best?.best) return null;
  const { arm, weight_decay: decay } = best.best;
  const families = familiesIn(detail, { decay, seeds: "each" }).filter((family) =>
    hasModel(state.trials[family]?.[arm]),
  );
  const href = (family: number) => address(`trials/${detail.id}.${family}.${arm}/model`);
  const [only, ...others] = families;
  if (only === undefined) return null;
  if (others.length === 0) {
    return (
      <a class="button" href={href(only)} download title="Its weights as a safetensors file">
        Model
      </a>
    );
  }
  return (
    <details class="menu">
      <summary class="button" title="Its weights as a safetensors file">
        Model
      </summary>
      <ul>
        {families.map((family) => (
          <li key={family}>
            <a href={href(family)} download>
              seed {detail.families[family]?.seed}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
