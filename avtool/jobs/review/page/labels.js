// Labels with completion: a combobox for each dimension, several labels separated by commas.

const MOST = 8;
const TITLES = { sounds: "sound", sources: "source", qualities: "quality" };

class LabelField {
  constructor(kind, known) {
    this.kind = kind;
    this.known = known;
    this.active = -1;
    this.element = document.createElement("div");
    this.element.className = "field";
    this.element.dataset.kind = kind;
    this.input = document.createElement("input");
    this.input.id = `label-${kind}`;
    this.choices = document.createElement("ul");
    this.choices.className = "choices";
    this.choices.id = `choices-${kind}`;
    this.choices.setAttribute("role", "listbox");
    this.choices.setAttribute("aria-label", `${TITLES[kind]} labels`);
    this.choices.hidden = true;
    const label = document.createElement("label");
    label.htmlFor = this.input.id;
    label.textContent = TITLES[kind];
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.choices.id };
    for (const [name, value] of Object.entries(roles)) this.input.setAttribute(name, value);
    this.input.spellcheck = false;
    this.input.maxLength = 400;
    this.element.append(label, this.input, this.choices);
    this.input.addEventListener("input", () => this.suggest());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.choices.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the input keeps the focus
      const item = event.target.closest("li");
      if (item) this.complete(item.textContent);
    });
  }

  get labels() {
    const given = this.input.value.split(",").map((label) => label.trim().toLowerCase().replaceAll(";", " "));
    return [...new Set(given.filter(Boolean))];
  }

  set labels(labels) {
    this.input.value = labels.join(", ");
    this.close();
  }

  get last() {
    return this.input.value.split(",").at(-1).trim().toLowerCase();
  }

  suggest() {
    const last = this.last;
    const chosen = new Set(this.labels.filter((label) => label !== last));
    const free = this.known.filter((label) => !chosen.has(label));
    const starts = last ? free.filter((label) => label.startsWith(last)) : [];
    const holds = last.length > 1 ? free.filter((label) => !label.startsWith(last) && label.includes(last)) : [];
    const found = [...starts, ...holds].slice(0, MOST);
    const complete = !last || (found.length === 1 && found[0] === last);
    this.choices.replaceChildren(
      ...(complete ? [] : found).map((label, place) => {
        const item = document.createElement("li");
        item.id = `${this.choices.id}-${place}`;
        item.setAttribute("role", "option");
        item.textContent = label;
        return item;
      }),
    );
    const open = this.choices.childElementCount > 0;
    this.choices.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    this.activate(open && found[0] !== last && starts.length ? 0 : -1);
  }

  activate(place) {
    this.active = place;
    [...this.choices.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === place)));
    this.choices.children[place]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", this.choices.children[place]?.id ?? "");
  }

  complete(label) {
    const before = this.input.value.split(",").slice(0, -1).map((one) => one.trim());
    this.input.value = [...before.filter(Boolean), label].join(", ");
    this.close();
  }

  close() {
    this.choices.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.activate(-1);
  }

  key(event) {
    const open = !this.choices.hidden;
    const many = this.choices.childElementCount;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open) this.suggest();
      else this.activate((this.active + (event.key === "ArrowDown" ? 1 : -1) + many) % many);
    } else if ((event.key === "Enter" || event.key === "Tab") && open && this.active >= 0 && !event.shiftKey) {
      this.complete(this.choices.children[this.active].textContent);
    } else if (event.key === "Escape" && open) {
      this.close();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }
}

/** The form of all dimensions; `onSave` gets their labels, `onCancel` nothing. */
export class LabelForm {
  constructor(form, taxonomy, onSave, onCancel) {
    this.form = form;
    this.fields = Object.keys(TITLES).map((kind) => new LabelField(kind, taxonomy[kind]));
    const save = document.createElement("button");
    save.textContent = "Save labels";
    form.replaceChildren(...this.fields.map((field) => field.element), save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSave(this.labels);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") onCancel();
    });
  }

  get labels() {
    return Object.fromEntries(this.fields.map((field) => [field.kind, field.labels]));
  }

  show(event) {
    for (const field of this.fields) field.labels = event[field.kind];
  }

  focus() {
    this.fields[0].input.focus();
    this.fields[0].input.select();
  }
}
