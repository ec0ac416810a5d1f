/** Public keys as `ssh-keygen` 9.2 wrote them, with the fingerprints that `ssh-keygen -l` printed. */
export const SSH_KEYGEN_KEYS = [
  {
    curve: "P-256",
    line:
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNQTTnIfnZ1QK/frxyZNhO2MQsaAWyrDtkTbvclVCTr+jb4NUFy+fhKnL2mKXWHKaJimne78nZE7BwTbv2WKFtw= user@host",
    spkiBase64:
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1BNOch+dnVAr9+vHJk2E7YxCxoBbKsO2RNu9yVUJOv6Nvg1QXL5+EqcvaYpdYcpomKad7vydkTsHBNu/ZYoW3A==",
    fingerprint: "SHA256:9x1tZKHX/ohuoQ/eQWVYcMMxRUNW6/TqEUK0QnQxV5w",
  },
  {
    curve: "P-384",
    line:
      "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBFIaZSNcOXDH8dxR4fP96QShjzbdsep44oJWfXKyV7eoOorPGEF321N5A8dJW9uSHX7RElbgAYXA04nITU0/WDk/9zCwkuPx9QZmEgcAY2NmPlUL+XNMTczVZDr2x3X3rw== user@host",
    spkiBase64:
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEUhplI1w5cMfx3FHh8/3pBKGPNt2x6njiglZ9crJXt6g6is8YQXfbU3kDx0lb25IdftESVuABhcDTichNTT9YOT/3MLCS4/H1BmYSBwBjY2Y+VQv5c0xNzNVkOvbHdfev",
    fingerprint: "SHA256:nN0laoaKQuAnSBo0DS0zjwDgKd1Wu8gj9eHn9J7eyOg",
  },
  {
    curve: "P-521",
    line:
      "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBACx1YsXjhuMq9TNoOEIfs+WpYdQ3resUkdo+C23DmYXa48GIQRlUssFh7dp21HOKv15s533uTb/dj5uA4mZYvwQAwEFOst+l0sOnlBrU6IjppkDiqQSzsSUC6APa4PWdmjrsxK3YuaY1HN40tFDFr9LuuUF4Cnlqyl45yBmLQ07WvEJJw== user@host",
    spkiBase64:
      "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAsdWLF44bjKvUzaDhCH7PlqWHUN63rFJHaPgttw5mF2uPBiEEZVLLBYe3adtRzir9ebOd97k2/3Y+bgOJmWL8EAMBBTrLfpdLDp5Qa1OiI6aZA4qkEs7ElAugD2uD1nZo67MSt2LmmNRzeNLRQxa/S7rlBeAp5aspeOcgZi0NO1rxCSc=",
    fingerprint: "SHA256:yZyVrA/75LiiWgATam4p+NbzkPHYgoqIXgU1NpLNtd8",
  },
] as const;

/** SPKI bodies, made with OpenSSL 3, of keys that must be refused. */
export const REFUSED_SPKI_BASE64 = {
  "compressed P-384":
    "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgAC5oHM8gl98tFBdsRLGAPEiPhktDaYIKnGomcXex4KGdSE74eidJkxZpEr3oimWPYA",
  "Ed25519": "MCowBQYDK2VwAyEAviaoNdAWiGi9kBqPhFV3TpCTV0tGmxedjXMkYex/Ulo=",
  "explicit parameters":
    "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABMq8PVQS5G8IV9I4vw3q9dbJv4ovAG42CLsNhCfpDCO2Y+qsK2Py3Ya3RlJXAC3INSMAMlAi0DYqwkviOZKjEOE=",
  "secp256k1":
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE+YGFXO3xXzb6bMJCaveVYW0eddSkyi/MXxTR5BAlqSt0iSeFQ4LZr9ObEd39v0kZL201ZEUb2P439LutwW/05g==",
  "RSA":
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEN4Meo1NAM1vt56x1R9wMlMbcTB/US1kMPfhdZNRvuHKMXk7WCsYGHPTmkY14sMxTRRUwRkELBEQoQHSQZMSXWtLVjEac2vqZz5yywbsvZjoqPq12cgcd2mACZrgdUBWHUKdUZoy2Vr4raqLlJTqB37bFBZt7B/o+VTrQIU31UwIDAQAB",
} as const;

/** OpenSSH lines of keys that are not ECDSA. */
export const REFUSED_LINES = {
  "Ed25519": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIRNnPO1ITYDgm2I4IY5cd8z4hyRiiHxW7vObLVf3gx0 c",
  "RSA":
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDPWSe3tVC6drj84PxXsDQkN8WZETE2B611PBUNCQhKhOeYCOxOmpta8OGEln0NJiduwxaD+NJJpcYWkNju/6qaleqiA84fIsYJupXZKBpVtWIZ+DRcyUOQY1uuHnUsk5Sq1O+qHbXh/5CWYoMiN5ByvMUSZ03+eu+d6DIr5XeV7w== c",
} as const;
