import type { Response } from 'express';
import type { MessageActions, PresenceRequest } from '../services/message-action.js';
import type { Req } from '../utils/endpoint.js';

export interface EditInput {
  params: { id: number };
  body: { message: string };
}
export interface ActionInput {
  params: { id: number };
}
export interface PresenceInput {
  params: { id: number };
  body: PresenceRequest;
}

export const messageActionController = ({ actions }: { actions: MessageActions }) => ({
  async edit(req: Req<EditInput>, res: Response) {
    res.json(await actions.edit(req.caller.userId, req.input.params.id, req.input.body.message));
  },

  async remove(req: Req<ActionInput>, res: Response) {
    res.json(await actions.remove(req.caller.userId, req.input.params.id));
  },

  async read(req: Req<ActionInput>, res: Response) {
    res.json(await actions.read(req.caller.userId, req.input.params.id));
  },

  async presence(req: Req<PresenceInput>, res: Response) {
    await actions.showPresence(req.caller.userId, req.input.params.id, req.input.body);
    res.status(204).end();
  },
});
