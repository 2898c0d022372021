// Passkeys: puts the answer of the authenticator into the form, then sends it. [data-passkey] is the form, "create" or "get"; its
// data-options are the options of WebAuthn as JSON; its field `credential` takes the answer, and [data-failed] is shown on failure.
// If a form has a button [data-with-passkey], only that button uses a passkey, and the new passkey gets the typed user name.
const ask = {
  create: (options) =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};

const named = (form, options) => {
  const name = form.elements.username;
  if (options.user && name) options.user.name = options.user.displayName = name.value;
  return options;
};

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target.closest?.("[data-passkey]");
    const button = form?.querySelector("[data-with-passkey]");
    if (!form || form.elements.credential.value || (button && event.submitter !== button)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (button && !form.elements.username.reportValidity()) return;
    try {
      const answer = await ask[form.dataset.passkey](named(form, JSON.parse(form.dataset.options)));
      form.elements.credential.value = JSON.stringify(answer.toJSON());
      if (button) form.action = button.formAction;
      form.submit();
    } catch {
      form.querySelector("[data-failed]").hidden = false;
    }
  },
  true,
);
