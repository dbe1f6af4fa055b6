import type { Response } from 'express';
import type { Contacts, ProfileUpdate } from '../services/contact.js';
import type { Directory } from '../services/directory.js';
import type { Req } from '../utils/endpoint.js';
import { readName, sendNamedPage, type PageQuery } from './page.js';

interface OfPhone {
  params: { id: number };
}
export interface ListContactsInput extends OfPhone {
  query: PageQuery & { search?: string };
}
export interface CheckInput extends OfPhone {
  body: { numbers: string[] };
}
export interface PictureInput extends OfPhone {
  query: { of: string };
}
export interface BlockInput extends OfPhone {
  body: { contact: string };
}
export interface ProfileInput extends OfPhone {
  body: ProfileUpdate;
}

export const contactController = ({ directory, contacts }: { directory: Directory; contacts: Contacts }) => {
  const setBlocked = (isBlocked: boolean) => async (req: Req<BlockInput>, res: Response) => {
    const { contact } = req.input.body;
    await contacts.setBlocked(req.caller.userId, req.input.params.id, { contact, isBlocked });
    res.json({ contact, isBlocked });
  };
  return {
    async list(req: Req<ListContactsInput>, res: Response) {
      const { cursor: _cursor, ...query } = req.input.query;
      const filter = { ...query, phoneId: req.input.params.id, after: readName(req.input.query) };
      sendNamedPage(res, await directory.listContacts(req.caller.userId, filter), ({ contact }) => contact);
    },

    async check(req: Req<CheckInput>, res: Response) {
      const { numbers } = req.input.body;
      res.json({ data: await contacts.check(req.caller.userId, req.input.params.id, numbers) });
    },

    async picture(req: Req<PictureInput>, res: Response) {
      const { of } = req.input.query;
      const pictureUrl = await contacts.picture(req.caller.userId, req.input.params.id, of);
      res.json({ of, pictureUrl });
    },

    block: setBlocked(true),
    unblock: setBlocked(false),

    async changeProfile(req: Req<ProfileInput>, res: Response) {
      await contacts.changeProfile(req.caller.userId, req.input.params.id, req.input.body);
      res.status(204).end();
    },
  };
};
