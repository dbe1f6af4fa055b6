import type { Response } from 'express';
import type { ConnectLinks } from '../services/connect-link.js';
import type { PairingMethod } from '../services/phone-life.js';
import { connectPage, connectPagePolicy } from '../utils/connect-page.js';
import type { Req } from '../utils/endpoint.js';
import type { SignedQuery } from '../utils/link.js';

export interface ConnectLinkInput {
  params: { id: number };
  body: { method: PairingMethod; expiresIn: number };
}
export interface ConnectStateInput {
  params: { id: number };
  query: SignedQuery;
}

export const connectLinkController = ({ connectLinks }: { connectLinks: ConnectLinks }) => ({
  async create(req: Req<ConnectLinkInput>, res: Response) {
    res.setHeader('Cache-Control', 'no-store');
    res.status(201).json(await connectLinks.create(req.caller.userId, req.input.params.id, req.input.body));
  },

  page(_req: Req, res: Response) {
    res.setHeader('Content-Security-Policy', connectPagePolicy);
    res.setHeader('Referrer-Policy', 'no-referrer');
    res.setHeader('Cache-Control', 'no-store');
    res.type('html').send(connectPage);
  },

  async state(req: Req<ConnectStateInput>, res: Response) {
    res.setHeader('Cache-Control', 'no-store');
    res.json(await connectLinks.state(req.input.params.id, req.input.query));
  },
});
