import type { Response } from 'express';
import type { InboundService } from '../services/inbound.js';
import type { Req } from '../utils/endpoint.js';

export interface InboundInput {
  params: { placement: string };
  body: Record<string, unknown>;
}

export const inboundController = ({ inbound }: { inbound: InboundService }) => ({
  async take(req: Req<InboundInput>, res: Response) {
    const [, bearer] = /^Bearer (.+)$/.exec(req.get('authorization') ?? '') ?? [];
    await inbound.ingest(req.input.params.placement, bearer ?? null, req.input.body);
    res.json({ status: 'ok' });
  },
});
