/** The NIST curves that Flower registers, `ssh-keygen -t ecdsa` makes and Web Crypto computes. */
export type Curve = "P-256" | "P-384" | "P-521";

/** What the key and signature formats need to know of a curve. */
export interface CurveFacts {
  /** Bytes of a coordinate, of the scalar, and of r and s. */
  readonly sizeBytes: number;
  /** The order n of the base point: scalars, r and s lie in 1..n-1. */
  readonly order: bigint;
  /** The curve's object identifier as DER content, in hex (RFC 5480 section 2.1.1.1). */
  readonly oidHex: string;
  /** The curve's name in SSH (RFC 5656 section 10.1); the key type is `ecdsa-sha2-` and it. */
  readonly sshName: string;
  /** Everything ahead of the uncompressed point (which starts with 04) in an SPKI, in hex. */
  readonly spkiPrefixHex: string;
}

/** The facts of each supported curve (orders: FIPS 186-4 appendix D.1.2). */
export const CURVES: Readonly<Record<Curve, CurveFacts>> = {
  "P-256": {
    sizeBytes: 32,
    order: 0xffffffff_00000000_ffffffff_ffffffff_bce6faad_a7179e84_f3b9cac2_fc632551n,
    oidHex: "2a8648ce3d030107",
    sshName: "nistp256",
    spkiPrefixHex: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
  },
  "P-384": {
    sizeBytes: 48,
    order:
      0xffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_c7634d81_f4372ddf_581a0db2_48b0a77a_ecec196a_ccc52973n,
    oidHex: "2b81040022",
    sshName: "nistp384",
    spkiPrefixHex: "3076301006072a8648ce3d020106052b81040022036200",
  },
  "P-521": {
    sizeBytes: 66,
    order:
      0x01ff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_ffffffff_fffffffa_51868783_bf2f966b_7fcc0148_f709a5d0_3bb5c9b8_899c47ae_bb6fb71e_91386409n,
    oidHex: "2b81040023",
    sshName: "nistp521",
    spkiPrefixHex: "30819b301006072a8648ce3d020106052b8104002303818600",
  },
};

/** All supported curves, for tables and messages. */
export const CURVE_NAMES: readonly Curve[] = ["P-256", "P-384", "P-521"];

/** The object identifier `id-ecPublicKey` as DER content, in hex (RFC 5480 section 2.1.1). */
export const EC_PUBLIC_KEY_OID_HEX = "2a8648ce3d0201";
