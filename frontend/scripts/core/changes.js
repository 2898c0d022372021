const selectChanged = (field) => {
  const selected = [...field.options].find((option) => option.selected);
  const loaded = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
  return selected !== loaded;
};

const changed = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  return field.options ? selectChanged(field) : field.value !== field.defaultValue;
};

/** The names of fields whose value differs from what was loaded; hidden fields do not count. */
export const changedNames = (fields) => {
  const named = [...fields].filter((field) => field.name && field.type !== "hidden" && changed(field));
  return [...new Set(named.map((field) => field.name))];
};
