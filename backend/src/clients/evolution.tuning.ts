import type { AxiosResponse } from 'axios';
import type { Address, Look } from './evolution.look.js';
import { object, text, type Json } from './evolution.value.js';

/** How a phone behaves on its own. */
export interface PhoneSettings {
  rejectCalls: boolean;
  /** What a caller that is turned away is told; empty: nothing. */
  rejectCallsMessage: string;
  ignoreGroups: boolean;
  alwaysOnline: boolean;
  /** Marks as read whatever comes in, at once. */
  readMessages: boolean;
  /** Asks for the whole history as it is paired. */
  syncHistory: boolean;
}

/** Through what a phone reaches WhatsApp. */
export interface Proxy {
  protocol: 'http' | 'https' | 'socks4' | 'socks5';
  host: string;
  port: number;
  username?: string;
  password?: string;
}

interface Door {
  get(path: string, address: Address): Promise<AxiosResponse>;
  post(path: string, body: Json, address: Address): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
}

/** As creating a phone takes them, and setting them wants all of them (recorded: settings_set.json). */
export const settingsBody = (settings: PhoneSettings): Json => ({
  rejectCall: settings.rejectCalls,
  msgCall: settings.rejectCallsMessage,
  groupsIgnore: settings.ignoreGroups,
  alwaysOnline: settings.alwaysOnline,
  readMessages: settings.readMessages,
  readStatus: false,
  syncFullHistory: settings.syncHistory,
});

/** Recorded: settings_find.json; null where none were ever set. */
function settingsOf(body: unknown): PhoneSettings | null {
  const row = object(body);
  if (row['rejectCall'] === undefined) return null;
  return {
    rejectCalls: row['rejectCall'] === true,
    rejectCallsMessage: text(row['msgCall']) ?? '',
    ignoreGroups: row['groupsIgnore'] === true,
    alwaysOnline: row['alwaysOnline'] === true,
    readMessages: row['readMessages'] === true,
    syncHistory: row['syncFullHistory'] === true,
  };
}

export const tuningCalls = ({ get, post, look }: Door) => ({
  settings: (address: Address): Promise<Look<PhoneSettings | null>> =>
    look(get('/settings/find', address), settingsOf),

  setSettings: (address: Address, settings: PhoneSettings): Promise<Look<true>> =>
    look(post('/settings/set', settingsBody(settings), address), () => true),

  /**
   * Takes effect as the connection is opened next. The node tries it first and answers 400 "Invalid proxy" where that
   * fails (`proxy.controller.ts` of 2.3; not recorded). Null: none any more.
   */
  setProxy(address: Address, proxy: Proxy | null): Promise<Look<true>> {
    const body = proxy
      ? {
          enabled: true,
          host: proxy.host,
          port: String(proxy.port),
          protocol: proxy.protocol,
          ...(proxy.username ? { username: proxy.username } : {}),
          ...(proxy.password ? { password: proxy.password } : {}),
        }
      : // The fields may not be empty; switched off, they are not looked at.
        { enabled: false, host: 'none', port: '0', protocol: 'http' };
    return look(post('/proxy/set', body, address), () => true);
  },
});
