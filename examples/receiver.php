<?php
// A receiver of webhooks in plain PHP: `WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:9000 receiver.php`, then POST to :9000.
const TOLERANCE = 300; // seconds that clocks may differ, and a post may be old

/** Whether a post is genuine. $body: its bytes as they came, before any parsing. $now: seconds. */
function is_genuine(string $secret, array $headers, string $body, ?int $now = null): bool
{
    [$id, $timestamp, $signatures] = [$headers['webhook-id'] ?? '', $headers['webhook-timestamp'] ?? '', $headers['webhook-signature'] ?? ''];
    if ($id === '' || !preg_match('/^\d{1,15}$/D', $timestamp) || abs(($now ?? time()) - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $signatures) as $one) {
        if (hash_equals($wanted, $one)) {
            return true;
        }
    }
    return false;
}

if (($_SERVER['REQUEST_METHOD'] ?? '') === 'POST') {
    $body = file_get_contents('php://input');
    $headers = array_change_key_case(getallheaders(), CASE_LOWER);
    if (!is_genuine(getenv('WEBHOOK_SECRET') ?: '', $headers, $body)) {
        http_response_code(401);
        exit;
    }
    $event = json_decode($body, true);
    // The same id may come again: in earnest, keep it in a unique column of your database.
    error_log($event['event'] . ' ' . json_encode($event['data']));
    http_response_code(204); // any 2xx, within 15 seconds: do what takes longer after it
}
