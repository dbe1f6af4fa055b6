import { randomInt } from 'node:crypto';

/**
 * Three lines for a POSIX shell with curl, to paste one after another: register, add a phone, send a message. Names
 * and number are new each time, as each may be registered once.
 * @param url of the front door, `http://localhost:8080`
 */
export function firstMessage(url: string): string[] {
  const name = `demo${randomInt(100_000, 999_999)}`;
  const number = `+62812${randomInt(10_000_000, 99_999_999)}`;
  const json = "-H 'Content-Type: application/json'";
  const bearer = '-H "Authorization: Bearer $TOKEN"';
  const user = `{"username":"${name}","email":"${name}@example.com","password":"First-Message-1"}`;
  const phone = `{"phoneNumber":"${number}","deviceName":"My phone"}`;
  const message = `{\\"phoneId\\":$PHONE,\\"to\\":\\"+6289876540007\\",\\"type\\":\\"text\\",\\"message\\":\\"Hello\\"}`;
  return [
    `TOKEN=$(curl -s ${url}/api/auth/register ${json} -d '${user}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
    `PHONE=$(curl -s ${url}/api/phones ${bearer} ${json} -d '${phone}' | sed 's/^{"id":\\([0-9]*\\).*/\\1/')`,
    `curl -s ${url}/api/messages/send ${bearer} ${json} -d "${message}"`,
  ];
}
