// A certified OIDC provider. Usage: node tests/fakes/provider.mjs PORT MYDIA
// Any name signs in with any password. People whose name begins with "boss" are in the group mydia-admins.
import { Provider } from 'oidc-provider';

const [port, mydia] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'mydia',
      client_secret: 'the secret of mydia',
      redirect_uris: [`${mydia}/auth/oidc/callback`],
      post_logout_redirect_uris: [`${mydia}/auth/oidc/signed-out`],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
  ],
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  cookies: { keys: ['a key for a test'] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id,
      preferred_username: id,
      email: `${id}@example.org`,
      email_verified: true,
      groups: id.startsWith('boss') ? ['mydia-admins'] : ['family'],
    }),
  }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
