// Passkeys: puts the answer of the authenticator into the form, then sends it. [data-passkey] is the form, "create" or "get"; its
// data-options are the options of WebAuthn as JSON; its field `credential` takes the answer, and [data-failed] is shown on failure.
const ask = {
  create: (options) =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target.closest?.("[data-passkey]");
    if (!form || form.elements.credential.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    try {
      const answer = await ask[form.dataset.passkey](JSON.parse(form.dataset.options));
      form.elements.credential.value = JSON.stringify(answer.toJSON());
      form.submit();
    } catch {
      form.querySelector("[data-failed]").hidden = false;
    }
  },
  true,
);
