// The page at /graphql: sends operations with the session of the browser, follows subscriptions, and lists the schema.
const form = document.querySelector("#explorer");
const output = document.querySelector("#explorer-result");
const list = document.querySelector("#explorer-schema");
const filter = document.querySelector("#explorer-filter");
const [documentField, variablesField] = ["query", "variables"].map((name) => form.elements[name]);
const stop = form.querySelector("[data-stop]");
let running = null;

const send = (body, accept, signal) =>
  fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept, "X-CSRF-Token": form.elements._csrf.value },
    body: JSON.stringify(body),
    signal,
  });

const show = (value) => {
  output.textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2);
};

/** Call `take` with the data of each event of a stream. */
const follow = async (response, take) => {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data) take(JSON.parse(data.slice(6)));
    }
  }
};

const run = async () => {
  running?.abort();
  running = new AbortController();
  stop.hidden = false;
  try {
    const variables = variablesField.value.trim() ? JSON.parse(variablesField.value) : undefined;
    const body = { query: documentField.value, variables };
    const streams = /^\s*subscription\b/m.test(body.query);
    const response = await send(body, streams ? "text/event-stream" : "application/json", running.signal);
    if (!streams || !response.ok) {
      show(await response.json());
      return;
    }
    show("Waiting for the first event …");
    const results = [];
    await follow(response, (result) => {
      results.unshift(result);
      show(results.slice(0, 50));
    });
  } catch (error) {
    if (error.name !== "AbortError") show(String(error.message));
  } finally {
    stop.hidden = true;
  }
};

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const written = (type) => {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
};

const line = (field) => {
  const given = (field.args ?? []).map((one) => `${one.name}: ${written(one.type)}`).join(", ");
  const title = `${field.name}${given ? `(${given})` : ""}${field.type ? `: ${written(field.type)}` : ""}`;
  const row = element("li", {}, element("code", { className: "code", textContent: title }));
  if (field.description) row.append(element("p", { className: "field-hint", textContent: field.description }));
  return row;
};

const listTypes = (types) => {
  const order = ["Query", "Mutation", "Subscription"];
  const rank = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  const shown = types.filter((one) => !one.name.startsWith("__") && one.kind !== "SCALAR");
  shown.sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
  list.replaceChildren(
    ...shown.map((type) => {
      const lines = (type.fields ?? type.inputFields ?? type.enumValues ?? []).map(line);
      const rows = element("ul", { className: "grid gap-2 py-2" }, ...lines);
      const block = element("details", {}, element("summary", { textContent: type.name }), rows);
      block.dataset.text = `${type.name} ${rows.textContent}`.toLowerCase();
      return block;
    }),
  );
};

const REFERENCE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const SCHEMA = `{ __schema { types { kind name description
  fields { name description args { name type { ${REFERENCE} } } type { ${REFERENCE} } }
  inputFields { name description type { ${REFERENCE} } } enumValues { name description } } } }`;

const loadSchema = async () => {
  const told = await (await send({ query: SCHEMA }, "application/json")).json();
  if (told.data) listTypes(told.data.__schema.types);
  else list.textContent = told.errors?.[0]?.message ?? told.detail;
};

form.querySelector("[data-run]").addEventListener("click", run);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
stop.addEventListener("click", () => running?.abort());
filter.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const block of list.children) block.hidden = !block.dataset.text?.includes(wanted);
});
loadSchema();
