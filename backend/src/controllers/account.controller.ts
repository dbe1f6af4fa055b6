import type { Response } from 'express';
import type { Accounts } from '../services/account.js';
import type { Audit } from '../services/audit.js';
import type { QuotaService } from '../services/quota.js';
import type { Users } from '../services/user.js';
import type { Req } from '../utils/endpoint.js';
import { readCursor, sendPage, type PageQuery } from './page.js';

export interface RenameInput {
  body: { username: string };
}
export interface ListAuditInput {
  query: PageQuery;
}
export interface ListAllAuditInput {
  query: PageQuery & { userId?: number };
}
export interface ListUsersInput {
  query: PageQuery & { email?: string };
}
export interface UpdateUserInput {
  params: { id: number };
  body: { isActive?: boolean; role?: 'user' | 'admin'; quotas?: Record<string, number | null> };
}

export interface KeepInput {
  body: { messages: number | null; media: number | null; events: number | null };
}

export const accountController = (deps: {
  accounts: Accounts;
  users: Users;
  audit: Audit;
  quotas: Pick<QuotaService, 'view' | 'keeping' | 'keep'>;
}) => {
  const { accounts, users, audit, quotas } = deps;
  return {
    async find(req: Req, res: Response) {
      res.json(await accounts.find(req.caller.userId));
    },

    async rename(req: Req<RenameInput>, res: Response) {
      res.json(await accounts.rename(req.caller.userId, req.input.body.username));
    },

    async quotas(req: Req, res: Response) {
      res.json(await quotas.view(req.caller.userId));
    },

    async keeping(req: Req, res: Response) {
      res.json(await quotas.keeping(req.caller.userId));
    },

    async keep(req: Req<KeepInput>, res: Response) {
      res.json(await quotas.keep(req.caller.userId, req.input.body));
    },

    async listAudit(req: Req<ListAuditInput>, res: Response) {
      const { limit } = req.input.query;
      sendPage(res, await audit.list(req.caller.userId, { limit, before: readCursor(req.input.query) }));
    },

    async listAllAudit(req: Req<ListAllAuditInput>, res: Response) {
      const { limit, userId } = req.input.query;
      sendPage(res, await audit.listAll({ limit, userId, before: readCursor(req.input.query) }));
    },

    async listUsers(req: Req<ListUsersInput>, res: Response) {
      const { limit, email } = req.input.query;
      sendPage(res, await users.list({ limit, email, after: readCursor(req.input.query) ?? 0 }));
    },

    async updateUser(req: Req<UpdateUserInput>, res: Response) {
      const { id } = req.input.params;
      const user = await users.update(req.caller.userId, id, req.input.body);
      req.affects = [id];
      res.json(user);
    },
  };
};
