/**
 * Of `receiver.test`, signed by itself, good from 2020 to 2120, and worth nothing: it exists for these tests alone.
 * Node.js cannot make certificates, and a fresh machine need not have openssl.
 */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpHOPEqE1TC9wzXb3
0dBbHG0Uc/jKZOqOUPwRd5qKjA2hRANCAART2+fs4Tsx2pDD7wTlWtrUSHE6L4RT
oGF63OSppdyMETNfGUkjTrPXnOSz01bELZHOutOEr562pJF/WM4hXnbg
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1yZWNlaXZl
ci50ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1yZWNlaXZlci50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEU9vn
7OE7MdqQw+8E5Vra1EhxOi+EU6BhetzkqaXcjBEzXxlJI06z15zks9NWxC2RzrrT
hK+etqSRf1jOIV524KNMMEowDwYDVR0TAQH/BAUwAwEB/zAYBgNVHREEETAPgg1y
ZWNlaXZlci50ZXN0MB0GA1UdDgQWBBSpSVbpTPgvlhrRG1e9DDKpDD/OgDAKBggq
hkjOPQQDAgNIADBFAiANKrtizdoKvK2VpMw2AL5Wu5ZgRQShaMiq50hfaTS2UQIh
APKzOJ23g47JR/rOhg+7XL2RmZKNDZu+dr75r9xZEDSg
-----END CERTIFICATE-----`,
};
