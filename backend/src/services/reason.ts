/** Why a message failed or is in doubt, or why a phone is not connected: closed lists, each with what to do about it. */
export const messageReasons = {
  not_on_whatsapp: 'The number is not on WhatsApp. Check it, with its country code.',
  refused_by_node: 'The node does not take this message in this form. It will not be tried again.',
  type_not_supported:
    'The node of this phone cannot send messages of this type in its version. Send the same as text, or use another type.',
  media_refused:
    'The file could not be fetched, or is not one that WhatsApp takes as this type. Check the file, its type and its size.',
  rejected_by_whatsapp:
    'WhatsApp refused the message after taking it. Wait before writing to this recipient again.',
  answer_lost:
    'The connection broke after the message was handed over. It may have been sent; send again only if a double is better than a loss.',
  answer_unclear:
    'The node answered with an error that does not tell whether the message was sent. Send again only if a double is better than a loss.',
  worker_lost:
    'The gateway process stopped while the message was being handed over. Send again only if a double is better than a loss.',
  no_ack:
    'The message was sent, and nothing is known of its arrival: the recipient may be offline. Nothing needs to be done.',
  phone_removed: 'Its phone was removed before it went out.',
  contact_erased: 'All that was known of its recipient was erased before it went out.',
  not_sent_in_time: 'The phone could not send before the message expired. Check the connection of the phone.',
} as const;
export type MessageReason = keyof typeof messageReasons;

export const phoneReasons = {
  no_node: 'No node is available. It is placed as soon as one is.',
  proxy_refused: 'Its node cannot use the proxy. Correct the proxy of the phone, or take it away.',
  node_unreachable: 'The node of this phone does not answer. Messages wait and go out when it is back.',
  scan_qr:
    'With WhatsApp on the phone, under Linked devices, Link a device: scan the QR code, or type the pairing code.',
  qr_limit: 'Nobody scanned the QR code in time. Ask for a new one.',
  changing_node: 'It is changing to another node with its pairing. Nothing needs to be done.',
  pairing_lost: 'Its pairing was lost with its node. Connect the phone again to pair anew.',
  connection_lost: 'The connection to WhatsApp was lost; the node is connecting again.',
  logged_out_on_phone: 'The device was unlinked. Connect the phone again to pair anew.',
  logged_out_by_owner: 'You logged it out. Connect the phone again to pair anew.',
  refused_by_whatsapp: 'WhatsApp refuses this number. Check it in the WhatsApp app.',
  replaced: 'Another session took over this number. Close the other one.',
  number_taken:
    'This number is paired already, by another phone of the gateway. Unlink it there, then connect this one again.',
  deaf_probe_failed:
    'It says it is connected, yet nothing comes in and it answers no question. Its connection is being opened anew.',
  other_number:
    'Another number than the one asked for was paired. Connect the phone again, and scan with the right one.',
} as const;
export type PhoneReason = keyof typeof phoneReasons;

export const webhookReasons = {
  switched_off: 'You switched it off. What it is owed is held, and goes out in order when you switch it on.',
  receiver_gone:
    'The receiver answered 410. Correct the URL, then switch the webhook on: what is held goes out in order.',
  receiver_fails:
    'Nothing could be delivered through a whole schedule of tries. Mend the receiver, then switch the webhook on: what is held goes out in order.',
} as const;

export const remedyOf = (reason: string | null): string | null =>
  reason === null
    ? null
    : (({ ...messageReasons, ...phoneReasons, ...webhookReasons } as Record<string, string>)[reason] ?? null);
