/** The sections of the form of a new sweep. */

import type { DatasetItem } from "../api/types";
import { datasetHint, datasetOptions } from "./datasets";
import { CheckField, ChoiceField, GroupError, TextField } from "./fields";
import type { Form } from "./form";

interface SectionProps {
  form: Form;
  set: (change: Partial<Form>) => void;
}

export function DataSection({ form, set, datasets }: SectionProps & { datasets: DatasetItem[] }) {
  const chosen = datasets.find((item) => item.name === form.dataset);
  return (
    <fieldset>
      <legend>Sweep and data</legend>
      <div class="fields">
        <TextField at="/name" label="Name" value={form.name} onValue={(name) => set({ name })} />
        <ChoiceField
          at="/recipe/dataset/name"
          label="Data set"
          value={form.dataset}
          hint={datasetHint(chosen)}
          options={datasetOptions(datasets, form.dataset)}
          onValue={(dataset) => set({ dataset })}
        />
        <TextField
          at="/recipe/dataset/label_noise"
          label="Label noise"
          hint="share flipped, 0 to 1"
          figures
          value={form.labelNoise}
          onValue={(labelNoise) => set({ labelNoise })}
        />
        <TextField
          at="/recipe/dataset/n_train"
          label="Training samples"
          figures
          placeholder={chosen && String(chosen.n_train)}
          value={form.nTrain}
          onValue={(nTrain) => set({ nTrain })}
        />
        <TextField
          at="/recipe/dataset/n_val"
          label="Validation samples"
          figures
          placeholder={chosen && String(chosen.n_val)}
          value={form.nVal}
          onValue={(nVal) => set({ nVal })}
        />
        <CheckField
          at="/recipe/dataset/standardize"
          label="Standardise features"
          value={form.standardize}
          onValue={(standardize) => set({ standardize })}
        />
      </div>
    </fieldset>
  );
}

export function ModelSection({ form, set }: SectionProps) {
  const at = (field: string) => `/recipe/optimizer/${field}`;
  return (
    <fieldset>
      <legend>Model and training</legend>
      <div class="fields">
        <TextField
          at="/recipe/model/hidden"
          label="Hidden layers"
          hint="none: a linear model"
          value={form.hidden}
          onValue={(hidden) => set({ hidden })}
        />
        <CheckField
          at="/recipe/model/batch_norm"
          label="Batch normalisation"
          value={form.batchNorm}
          onValue={(batchNorm) => set({ batchNorm })}
        />
        <TextField
          at="/recipe/batch_size"
          label="Batch size"
          figures
          value={form.batchSize}
          onValue={(batchSize) => set({ batchSize })}
        />
        <TextField
          at="/recipe/epochs"
          label="Epochs"
          figures
          value={form.epochs}
          onValue={(epochs) => set({ epochs })}
        />
      </div>
      <div class="fields">
        <ChoiceField
          at="/recipe/optimizer/kind"
          label="Optimiser"
          value={form.optimizer}
          options={[
            ["sgd", "SGD"],
            ["adam", "Adam"],
          ]}
          onValue={(optimizer) => set({ optimizer })}
        />
        <TextField
          at={at("lr")}
          label="Learning rate"
          figures
          value={form.lr}
          onValue={(lr) => set({ lr })}
        />
        {form.optimizer === "sgd" ? (
          <TextField
            at={at("momentum")}
            label="Momentum"
            figures
            value={form.momentum}
            onValue={(momentum) => set({ momentum })}
          />
        ) : (
          <>
            <TextField
              at={at("beta_1")}
              label="β₁"
              figures
              value={form.beta1}
              onValue={(beta1) => set({ beta1 })}
            />
            <TextField
              at={at("beta_2")}
              label="β₂"
              figures
              value={form.beta2}
              onValue={(beta2) => set({ beta2 })}
            />
            <TextField
              at={at("epsilon")}
              label="ε"
              figures
              value={form.epsilon}
              onValue={(epsilon) => set({ epsilon })}
            />
          </>
        )}
      </div>
    </fieldset>
  );
}

export function SearchSection({ form, set }: SectionProps) {
  const at = (field: string) => `/search/levels/${field}`;
  return (
    <fieldset>
      <legend>Search</legend>
      <div class="fields">
        <ChoiceField
          at="/search/levels/as"
          label={
            <>
              Flood levels <var>b</var>
            </>
          }
          value={form.levelsAs}
          options={[
            ["range", "even steps"],
            ["log", "even in the logarithm"],
            ["list", "a list"],
          ]}
          onValue={(levelsAs) => set({ levelsAs })}
        />
        {form.levelsAs === "list" ? (
          <TextField
            at="/search/levels"
            label="Levels"
            value={form.list}
            onValue={(list) => set({ list })}
          />
        ) : (
          <>
            <TextField
              at={at("from")}
              label="From"
              figures
              value={form.from}
              onValue={(from) => set({ from })}
            />
            <TextField
              at={at("to")}
              label="To"
              figures
              value={form.to}
              onValue={(to) => set({ to })}
            />
            {form.levelsAs === "range" ? (
              <TextField
                at={at("step")}
                label="Step"
                figures
                value={form.step}
                onValue={(step) => set({ step })}
              />
            ) : (
              <TextField
                at={at("count")}
                label="How many"
                figures
                value={form.count}
                onValue={(count) => set({ count })}
              />
            )}
          </>
        )}
      </div>
      {form.levelsAs !== "list" && <GroupError at="/search/levels" />}
      <div class="fields">
        <TextField
          at="/search/weight_decay"
          label="Weight decays"
          hint="each is searched by itself"
          value={form.weightDecay}
          onValue={(weightDecay) => set({ weightDecay })}
        />
        <TextField
          at="/search/seeds"
          label="Seeds"
          hint="several give an interval"
          value={form.seeds}
          onValue={(seeds) => set({ seeds })}
        />
        <ChoiceField
          at="/search/objective/metric"
          label="Objective"
          value={form.metric}
          options={[
            ["val_loss", "validation loss"],
            ["val_error", "validation error"],
          ]}
          onValue={(metric) => set({ metric })}
        />
        <ChoiceField
          at="/search/objective/at"
          label="Read at"
          hint={form.at === "last" ? "mean of the closing tenth" : "early stopping"}
          value={form.at}
          options={[
            ["last", "the end"],
            ["best", "the best epoch"],
          ]}
          onValue={(moment) => set({ at: moment })}
        />
      </div>
    </fieldset>
  );
}

export function SchedulerSection({ form, set }: SectionProps) {
  return (
    <fieldset>
      <legend>Scheduler</legend>
      <div class="fields">
        <ChoiceField
          at="/scheduler/kind"
          label="Scheduler"
          value={form.scheduler}
          options={[
            ["halving", "halving after onset"],
            ["sha", "textbook successive halving"],
            ["grid", "full grid"],
          ]}
          onValue={(scheduler) => set({ scheduler })}
        />
        {form.scheduler === "sha" && (
          <TextField
            at="/scheduler/eta"
            label="Eta"
            hint="one arm in eta goes on"
            figures
            placeholder="3"
            value={form.eta}
            onValue={(eta) => set({ eta })}
          />
        )}
        {form.scheduler !== "grid" && (
          <TextField
            at="/scheduler/first_rung"
            label={form.scheduler === "sha" ? "First rung" : "Probed for"}
            hint={form.scheduler === "sha" ? "epochs before pruning" : "epochs after onset"}
            figures
            placeholder="automatic"
            value={form.firstRung}
            onValue={(firstRung) => set({ firstRung })}
          />
        )}
      </div>
    </fieldset>
  );
}
