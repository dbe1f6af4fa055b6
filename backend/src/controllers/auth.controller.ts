import type { Response } from 'express';
import type { Auth } from '../services/auth.js';
import type { Req } from '../utils/endpoint.js';

export interface RegisterInput {
  body: { username: string; email: string; password: string };
}
export interface LoginInput {
  body: { email: string; password: string };
}
export interface ExchangeInput {
  body: { apiKey: string };
}

export const authController = ({ auth }: { auth: Auth }) => ({
  async register(req: Req<RegisterInput>, res: Response) {
    res.status(201).json(await auth.register(req.input.body));
  },

  async login(req: Req<LoginInput>, res: Response) {
    res.json(await auth.login(req.input.body));
  },

  async exchange(req: Req<ExchangeInput>, res: Response) {
    res.json(await auth.exchange(req.input.body.apiKey));
  },
});
