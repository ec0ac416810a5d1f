// Generated from sdk/bundled.ts by `deno task gen`. Do not edit.

/** The SDK as one module of JavaScript. */
export const SDK_MODULE = `// The Trellis SDK (Apache-2.0), with @bufbuild/protobuf: Copyright 2021-2026 Buf Technologies, Inc.,
// Apache-2.0, and, in its wire format code, Copyright 2008 Google Inc., BSD-3-Clause.

// protobuf:dist/esm/is-message.js
function isMessage(arg, schema) {
  const isMessage2 = arg !== null && typeof arg == "object" && "$typeName" in arg && typeof arg.$typeName == "string";
  if (!isMessage2) {
    return false;
  }
  if (schema === void 0) {
    return true;
  }
  return schema.typeName === arg.$typeName;
}

// protobuf:dist/esm/descriptors.js
var ScalarType;
(function(ScalarType2) {
  ScalarType2[ScalarType2["DOUBLE"] = 1] = "DOUBLE";
  ScalarType2[ScalarType2["FLOAT"] = 2] = "FLOAT";
  ScalarType2[ScalarType2["INT64"] = 3] = "INT64";
  ScalarType2[ScalarType2["UINT64"] = 4] = "UINT64";
  ScalarType2[ScalarType2["INT32"] = 5] = "INT32";
  ScalarType2[ScalarType2["FIXED64"] = 6] = "FIXED64";
  ScalarType2[ScalarType2["FIXED32"] = 7] = "FIXED32";
  ScalarType2[ScalarType2["BOOL"] = 8] = "BOOL";
  ScalarType2[ScalarType2["STRING"] = 9] = "STRING";
  ScalarType2[ScalarType2["BYTES"] = 12] = "BYTES";
  ScalarType2[ScalarType2["UINT32"] = 13] = "UINT32";
  ScalarType2[ScalarType2["SFIXED32"] = 15] = "SFIXED32";
  ScalarType2[ScalarType2["SFIXED64"] = 16] = "SFIXED64";
  ScalarType2[ScalarType2["SINT32"] = 17] = "SINT32";
  ScalarType2[ScalarType2["SINT64"] = 18] = "SINT64";
})(ScalarType || (ScalarType = {}));

// protobuf:dist/esm/wire/varint.js
function varint64read() {
  const buf = this.buf;
  let pos = this.pos;
  let lo = 0;
  let hi = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const b = buf[pos++];
    lo |= (b & 127) << shift;
    if ((b & 128) == 0) {
      this.pos = pos;
      this.assertBounds();
      this.varint64Lo = lo;
      this.varint64Hi = hi;
      return;
    }
  }
  const middleByte = buf[pos++];
  lo |= (middleByte & 15) << 28;
  hi = (middleByte & 112) >> 4;
  if ((middleByte & 128) == 0) {
    this.pos = pos;
    this.assertBounds();
    this.varint64Lo = lo;
    this.varint64Hi = hi;
    return;
  }
  for (let shift = 3; shift <= 31; shift += 7) {
    const b = buf[pos++];
    hi |= (b & 127) << shift;
    if ((b & 128) == 0) {
      this.pos = pos;
      this.assertBounds();
      this.varint64Lo = lo;
      this.varint64Hi = hi;
      return;
    }
  }
  throw new Error("invalid varint");
}
var TWO_PWR_32_DBL = 4294967296;
function int64FromString(dec) {
  const minus = dec[0] === "-";
  if (minus) {
    dec = dec.slice(1);
  }
  const base = 1e6;
  let lowBits = 0;
  let highBits = 0;
  function add1e6digit(begin, end) {
    const digit1e6 = Number(dec.slice(begin, end));
    highBits *= base;
    lowBits = lowBits * base + digit1e6;
    if (lowBits >= TWO_PWR_32_DBL) {
      highBits = highBits + (lowBits / TWO_PWR_32_DBL | 0);
      lowBits = lowBits % TWO_PWR_32_DBL;
    }
  }
  add1e6digit(-24, -18);
  add1e6digit(-18, -12);
  add1e6digit(-12, -6);
  add1e6digit(-6);
  return minus ? negate(lowBits, highBits) : newBits(lowBits, highBits);
}
function int64ToString(lo, hi) {
  let bits = newBits(lo, hi);
  const negative = bits.hi & 2147483648;
  if (negative) {
    bits = negate(bits.lo, bits.hi);
  }
  const result = uInt64ToString(bits.lo, bits.hi);
  return negative ? "-" + result : result;
}
function uInt64ToString(lo, hi) {
  ({ lo, hi } = toUnsigned(lo, hi));
  if (hi <= 2097151) {
    return String(TWO_PWR_32_DBL * hi + lo);
  }
  const low = lo & 16777215;
  const mid = (lo >>> 24 | hi << 8) & 16777215;
  const high = hi >> 16 & 65535;
  let digitA = low + mid * 6777216 + high * 6710656;
  let digitB = mid + high * 8147497;
  let digitC = high * 2;
  const base = 1e7;
  if (digitA >= base) {
    digitB += Math.floor(digitA / base);
    digitA %= base;
  }
  if (digitB >= base) {
    digitC += Math.floor(digitB / base);
    digitB %= base;
  }
  return digitC.toString() + decimalFrom1e7WithLeadingZeros(digitB) + decimalFrom1e7WithLeadingZeros(digitA);
}
function toUnsigned(lo, hi) {
  return { lo: lo >>> 0, hi: hi >>> 0 };
}
function newBits(lo, hi) {
  return { lo: lo | 0, hi: hi | 0 };
}
function negate(lowBits, highBits) {
  highBits = ~highBits;
  if (lowBits) {
    lowBits = ~lowBits + 1;
  } else {
    highBits += 1;
  }
  return newBits(lowBits, highBits);
}
var decimalFrom1e7WithLeadingZeros = (digit1e7) => {
  const partial = String(digit1e7);
  return "0000000".slice(partial.length) + partial;
};
function varint32write(value, bytes) {
  if (value >>> 0 < 128) {
    bytes.push(value);
    return;
  }
  if (value >= 0) {
    while (value > 127) {
      bytes.push(value & 127 | 128);
      value = value >>> 7;
    }
    bytes.push(value);
  } else {
    for (let i = 0; i < 9; i++) {
      bytes.push(value & 127 | 128);
      value = value >> 7;
    }
    bytes.push(1);
  }
}
function varint32read() {
  let b = this.buf[this.pos++];
  if ((b & 128) === 0) {
    this.assertBounds();
    return b;
  }
  let result = b & 127;
  b = this.buf[this.pos++];
  result |= (b & 127) << 7;
  if ((b & 128) === 0) {
    this.assertBounds();
    return result;
  }
  b = this.buf[this.pos++];
  result |= (b & 127) << 14;
  if ((b & 128) === 0) {
    this.assertBounds();
    return result;
  }
  b = this.buf[this.pos++];
  result |= (b & 127) << 21;
  if ((b & 128) === 0) {
    this.assertBounds();
    return result;
  }
  b = this.buf[this.pos++];
  result |= (b & 15) << 28;
  for (let readBytes = 5; (b & 128) !== 0 && readBytes < 10; readBytes++)
    b = this.buf[this.pos++];
  if ((b & 128) !== 0)
    throw new Error("invalid varint");
  this.assertBounds();
  return result >>> 0;
}

// protobuf:dist/esm/proto-int64.js
var protoInt64 = /* @__PURE__ */ makeInt64Support();
function makeInt64Support() {
  const dv = new DataView(new ArrayBuffer(8));
  const ok = typeof BigInt === "function" && typeof dv.getBigInt64 === "function" && typeof dv.getBigUint64 === "function" && typeof dv.setBigInt64 === "function" && typeof dv.setBigUint64 === "function" && (!!globalThis.Deno || !!globalThis.Bun || typeof process != "object" || typeof process.env != "object" || process.env.BUF_BIGINT_DISABLE !== "1");
  if (ok) {
    const MIN = BigInt("-9223372036854775808");
    const MAX = BigInt("9223372036854775807");
    const UMIN = BigInt("0");
    const UMAX = BigInt("18446744073709551615");
    return {
      zero: BigInt(0),
      supported: true,
      parse(value) {
        const bi = typeof value == "bigint" ? value : BigInt(value);
        if (bi > MAX || bi < MIN) {
          throw new Error(\`invalid int64: \${value}\`);
        }
        return bi;
      },
      uParse(value) {
        const bi = typeof value == "bigint" ? value : BigInt(value);
        if (bi > UMAX || bi < UMIN) {
          throw new Error(\`invalid uint64: \${value}\`);
        }
        return bi;
      },
      enc(value) {
        dv.setBigInt64(0, this.parse(value), true);
        return {
          lo: dv.getInt32(0, true),
          hi: dv.getInt32(4, true)
        };
      },
      uEnc(value) {
        dv.setBigInt64(0, this.uParse(value), true);
        return {
          lo: dv.getInt32(0, true),
          hi: dv.getInt32(4, true)
        };
      },
      dec(lo, hi) {
        dv.setInt32(0, lo, true);
        dv.setInt32(4, hi, true);
        return dv.getBigInt64(0, true);
      },
      uDec(lo, hi) {
        dv.setInt32(0, lo, true);
        dv.setInt32(4, hi, true);
        return dv.getBigUint64(0, true);
      }
    };
  }
  return {
    zero: "0",
    supported: false,
    parse(value) {
      if (typeof value != "string") {
        value = value.toString();
      }
      assertInt64String(value);
      return value;
    },
    uParse(value) {
      if (typeof value != "string") {
        value = value.toString();
      }
      assertUInt64String(value);
      return value;
    },
    enc(value) {
      if (typeof value != "string") {
        value = value.toString();
      }
      assertInt64String(value);
      return int64FromString(value);
    },
    uEnc(value) {
      if (typeof value != "string") {
        value = value.toString();
      }
      assertUInt64String(value);
      return int64FromString(value);
    },
    dec(lo, hi) {
      return int64ToString(lo, hi);
    },
    uDec(lo, hi) {
      return uInt64ToString(lo, hi);
    }
  };
}
function assertInt64String(value) {
  if (!/^-?[0-9]+$/.test(value)) {
    throw new Error("invalid int64: " + value);
  }
}
function assertUInt64String(value) {
  if (!/^[0-9]+$/.test(value)) {
    throw new Error("invalid uint64: " + value);
  }
}

// protobuf:dist/esm/reflect/scalar.js
function scalarZeroValue(type, longAsString) {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BOOL:
      return false;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 0;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SFIXED64:
    case ScalarType.FIXED64:
    case ScalarType.SINT64:
      return longAsString ? "0" : protoInt64.zero;
    case ScalarType.BYTES:
      return new Uint8Array(0);
    default:
      return 0;
  }
}

// protobuf:dist/esm/reflect/unsafe.js
function unsafeIsSetExplicit(target, localName) {
  return Object.prototype.hasOwnProperty.call(target, localName) && target[localName] !== void 0;
}
function setOwn(obj, key, value) {
  if (key === "__proto__") {
    Object.defineProperty(obj, "__proto__", {
      value,
      writable: true,
      enumerable: true,
      configurable: true
    });
  } else {
    obj[key] = value;
  }
}

// protobuf:dist/esm/reflect/guard.js
function isObject(arg) {
  return arg !== null && typeof arg == "object" && !Array.isArray(arg);
}

// protobuf:dist/esm/wkt/wrappers.js
function isWrapperDesc(messageDesc2) {
  const f = messageDesc2.fields[0];
  return isWrapperTypeName(messageDesc2.typeName) && f !== void 0 && f.fieldKind == "scalar" && f.name == "value" && f.number == 1;
}
var wrapperTypeNames = /* @__PURE__ */ new Set([
  "google.protobuf.DoubleValue",
  "google.protobuf.FloatValue",
  "google.protobuf.Int64Value",
  "google.protobuf.UInt64Value",
  "google.protobuf.Int32Value",
  "google.protobuf.UInt32Value",
  "google.protobuf.BoolValue",
  "google.protobuf.StringValue",
  "google.protobuf.BytesValue"
]);
function isWrapperTypeName(name) {
  return wrapperTypeNames.has(name);
}

// protobuf:dist/esm/create.js
var EDITION_PROTO3 = 999;
var EDITION_PROTO2 = 998;
var IMPLICIT = 2;
function create(schema, init) {
  if (isMessage(init, schema)) {
    return init;
  }
  return compiledCreate(schema)(init);
}
var compiledCreates = /* @__PURE__ */ new WeakMap();
function compiledCreate(desc) {
  let compiled = compiledCreates.get(desc);
  if (compiled === void 0) {
    compiled = compileCreate(desc);
    compiledCreates.set(desc, compiled);
  }
  return compiled;
}
var INIT_SINGULAR = 0;
var INIT_LIST = 1;
var INIT_MAP = 2;
var INIT_ONEOF = 3;
function compileCreate(desc) {
  const typeName = desc.typeName;
  const { properties, prototype } = compileInitMessage(desc);
  return (init) => {
    let message;
    if (prototype !== void 0) {
      message = Object.create(prototype);
      message.$typeName = typeName;
    } else {
      message = { $typeName: typeName };
    }
    for (let i = 0; i < properties.length; i++) {
      const property = properties[i];
      const name = property.name;
      const initValue = init === null || init === void 0 ? void 0 : init[name];
      switch (property.kind) {
        case INIT_SINGULAR:
          if (initValue != null) {
            message[name] = property.convert !== void 0 ? property.convert(initValue) : initValue;
          } else if (property.constant !== void 0) {
            message[name] = property.constant;
          }
          break;
        case INIT_LIST:
          message[name] = property.convert !== void 0 && Array.isArray(initValue) ? initValue.map(property.convert) : initValue !== null && initValue !== void 0 ? initValue : [];
          break;
        case INIT_MAP:
          if (property.convert === void 0 || !isObject(initValue)) {
            message[name] = initValue !== null && initValue !== void 0 ? initValue : {};
          } else {
            const converted = {};
            const keys = Object.keys(initValue);
            for (let k = 0; k < keys.length; k++) {
              setOwn(converted, keys[k], property.convert(initValue[keys[k]]));
            }
            message[name] = converted;
          }
          break;
        case INIT_ONEOF: {
          const oneofValue = initValue;
          if ((oneofValue === null || oneofValue === void 0 ? void 0 : oneofValue.case) != null) {
            const convert = property.convert.get(oneofValue.case);
            if (convert !== void 0) {
              message[name] = {
                case: oneofValue.case,
                value: convert(oneofValue.value)
              };
              break;
            }
          }
          message[name] = { case: void 0 };
          break;
        }
      }
    }
    return message;
  };
}
function compileInitMessage(desc) {
  var _a, _b;
  const properties = [];
  const prototype = {};
  const usePrototype = needsPrototypeChain(desc);
  for (const member of desc.members) {
    const name = member.localName;
    if (member.kind == "oneof") {
      properties.push({
        name,
        kind: INIT_ONEOF,
        constant: void 0,
        convert: compileConvertOneof(member)
      });
      continue;
    }
    switch (member.fieldKind) {
      case "message": {
        properties.push({
          name,
          kind: INIT_SINGULAR,
          constant: void 0,
          convert: compileConvertMessage(member)
        });
        break;
      }
      case "list": {
        properties.push({
          name,
          kind: INIT_LIST,
          constant: void 0,
          convert: member.listKind == "message" ? (_a = compileConvertMessage(member)) !== null && _a !== void 0 ? _a : ((value) => value) : member.scalar == ScalarType.BYTES ? toU8Arr : void 0
        });
        break;
      }
      case "map": {
        properties.push({
          name,
          kind: INIT_MAP,
          constant: void 0,
          convert: member.mapKind == "message" ? (_b = compileConvertMessage(member)) !== null && _b !== void 0 ? _b : ((value) => value) : member.scalar == ScalarType.BYTES ? toU8Arr : void 0
        });
        break;
      }
      default: {
        const zeroValue = createZeroValue(member);
        properties.push({
          name,
          kind: INIT_SINGULAR,
          constant: member.presence == IMPLICIT ? zeroValue : void 0,
          convert: member.fieldKind == "scalar" && member.scalar == ScalarType.BYTES ? toU8Arr : void 0
        });
        if (usePrototype) {
          prototype[name] = zeroValue;
        }
        break;
      }
    }
  }
  return {
    properties,
    prototype: usePrototype ? prototype : void 0
  };
}
function compileConvertOneof(oneof) {
  const converters = /* @__PURE__ */ new Map();
  for (const field of oneof.fields) {
    let convert;
    if (field.fieldKind == "message") {
      convert = compileConvertMessage(field);
    } else if (field.fieldKind == "scalar" && field.scalar == ScalarType.BYTES) {
      convert = toU8Arr;
    }
    converters.set(field.localName, convert !== null && convert !== void 0 ? convert : ((value) => value));
  }
  return converters;
}
function compileConvertMessage(field) {
  if (field.fieldKind == "message" && !field.oneof && isWrapperDesc(field.message)) {
    return field.message.fields[0].scalar == ScalarType.BYTES ? toU8Arr : void 0;
  }
  if (field.message.typeName == "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") {
    return void 0;
  }
  const messageDesc2 = field.message;
  let compiled;
  return (value) => {
    if (!isObject(value) || isMessage(value, messageDesc2)) {
      return value;
    }
    compiled !== null && compiled !== void 0 ? compiled : compiled = compiledCreate(messageDesc2);
    return compiled(value);
  };
}
function toU8Arr(value) {
  return Array.isArray(value) ? new Uint8Array(value) : value;
}
function needsPrototypeChain(desc) {
  switch (desc.file.edition) {
    case EDITION_PROTO3:
      return false;
    case EDITION_PROTO2:
      return true;
    default:
      return desc.fields.some((f) => f.presence != IMPLICIT && f.fieldKind != "message" && !f.oneof);
  }
}
function createZeroValue(field) {
  const defaultValue = field.getDefaultValue();
  if (defaultValue !== void 0) {
    return field.fieldKind == "scalar" && field.longAsString ? defaultValue.toString() : defaultValue;
  }
  return field.fieldKind == "scalar" ? scalarZeroValue(field.scalar, field.longAsString) : field.enum.values[0].number;
}

// protobuf:dist/esm/reflect/error.js
var FieldError = class extends Error {
  constructor(fieldOrOneof, message, name = "FieldValueInvalidError") {
    super(message);
    this.name = name;
    this.field = () => fieldOrOneof;
  }
};

// protobuf:dist/esm/wire/text-encoding.js
var te;
function configureTextEncoding(textEncoding) {
  var _a;
  te = Object.assign(Object.assign({}, textEncoding), { encodeUtf8Into: (_a = textEncoding.encodeUtf8Into) !== null && _a !== void 0 ? _a : emulateEncodeInto(textEncoding.encodeUtf8.bind(textEncoding)) });
}
function getTextEncoding() {
  if (!te) {
    const globals = globalThis;
    if (!globals.TextEncoder || !globals.TextDecoder) {
      throw new Error("encoding API missing: install TextEncoder and TextDecoder on globalThis");
    }
    const textEncoder = new globals.TextEncoder();
    const textDecoder = new globals.TextDecoder("utf-8", {
      ignoreBOM: true
    });
    let textDecoderStrict;
    const config = {
      encodeUtf8(text) {
        return textEncoder.encode(text);
      },
      decodeUtf8(bytes, strict) {
        if (strict) {
          if (!textDecoderStrict) {
            textDecoderStrict = new globals.TextDecoder("utf-8", {
              fatal: true,
              ignoreBOM: true
            });
          }
          return textDecoderStrict.decode(bytes);
        }
        return textDecoder.decode(bytes);
      },
      checkUtf8(text) {
        try {
          encodeURIComponent(text);
          return true;
        } catch (_) {
          return false;
        }
      }
    };
    if (textEncoder.encodeInto) {
      config.encodeUtf8Into = textEncoder.encodeInto.bind(textEncoder);
    }
    const nativeStringIsWellFormed = String.prototype.isWellFormed;
    if (nativeStringIsWellFormed) {
      config.checkUtf8 = (text) => {
        return nativeStringIsWellFormed.call(text);
      };
    }
    configureTextEncoding(config);
  }
  return te;
}
function emulateEncodeInto(encodeUtf8) {
  return (text, dest) => {
    const bytes = encodeUtf8(text);
    dest.set(bytes);
    return { written: bytes.byteLength };
  };
}

// protobuf:dist/esm/wire/binary-encoding.js
var WireType;
(function(WireType2) {
  WireType2[WireType2["Varint"] = 0] = "Varint";
  WireType2[WireType2["Bit64"] = 1] = "Bit64";
  WireType2[WireType2["LengthDelimited"] = 2] = "LengthDelimited";
  WireType2[WireType2["StartGroup"] = 3] = "StartGroup";
  WireType2[WireType2["EndGroup"] = 4] = "EndGroup";
  WireType2[WireType2["Bit32"] = 5] = "Bit32";
})(WireType || (WireType = {}));
var UINT32_MAX = 4294967295;
var INT32_MAX = 2147483647;
var INT32_MIN = -2147483648;
var BinaryWriter = class {
  constructor(encodeUtf8) {
    this.stackPos = [];
    this.encodeUtf8Into = encodeUtf8 ? emulateEncodeInto(encodeUtf8) : getTextEncoding().encodeUtf8Into;
    this.buffer = EMPTY_BUFFER;
    this.viewCache = EMPTY_VIEW;
    this.pos = 0;
  }
  ensureCapacity(size) {
    const required2 = this.pos + size;
    if (required2 > this.buffer.length) {
      let newLen = this.buffer.length || INITIAL_SIZE;
      while (newLen < required2)
        newLen *= 2;
      const newBuf = new Uint8Array(newLen);
      if (this.pos > 0)
        newBuf.set(this.buffer);
      this.buffer = newBuf;
    }
  }
  /**
   * The DataView over \`buffer\`, rebuilt only if the buffer has grown since it
   * was last used.
   */
  view() {
    const bytes = this.buffer;
    const view = this.viewCache;
    if (view.byteLength === bytes.byteLength)
      return view;
    const newView = new DataView(bytes.buffer);
    this.viewCache = newView;
    return newView;
  }
  /**
   * Return all bytes written and reset this writer.
   */
  finish() {
    const result = this.buffer.slice(0, this.pos);
    this.pos = 0;
    this.stackPos = [];
    return result;
  }
  /**
   * Start a new fork for length-delimited data like a message
   * or a packed repeated field.
   *
   * Must be joined later with \`join()\`.
   */
  fork() {
    this.stackPos.push(this.pos);
    this.ensureCapacity(DEFAULT_LEN_PREFIX_SIZE);
    this.buffer[this.pos++] = 0;
    return this;
  }
  /**
   * Join the last fork. Write its length and bytes, then
   * return to the previous state.
   */
  join() {
    const forkPos = this.stackPos.pop();
    if (forkPos === void 0)
      throw new Error("invalid state, fork stack empty");
    const len = this.pos - forkPos - DEFAULT_LEN_PREFIX_SIZE;
    const lenPrefixSize = varint32Size(len);
    if (lenPrefixSize > DEFAULT_LEN_PREFIX_SIZE) {
      this.ensureCapacity(lenPrefixSize - DEFAULT_LEN_PREFIX_SIZE);
      this.buffer.copyWithin(forkPos + lenPrefixSize, forkPos + DEFAULT_LEN_PREFIX_SIZE, this.pos);
    }
    this.pos = forkPos;
    this.uint32(len);
    this.pos += len;
    return this;
  }
  /**
   * Writes a tag (field number and wire type).
   *
   * Equivalent to \`uint32( (fieldNo << 3 | type) >>> 0 )\`.
   *
   * Generated code should compute the tag ahead of time and call \`uint32()\`.
   */
  tag(fieldNo, type) {
    return this.uint32((fieldNo << 3 | type) >>> 0);
  }
  /**
   * Write a chunk of raw bytes.
   */
  raw(chunk) {
    this.ensureCapacity(chunk.length);
    this.buffer.set(chunk, this.pos);
    this.pos += chunk.length;
    return this;
  }
  /**
   * Write a \`uint32\` value, an unsigned 32 bit varint.
   */
  uint32(value) {
    assertUInt32(value);
    this.ensureCapacity(5);
    if (value < 128) {
      this.buffer[this.pos++] = value;
      return this;
    }
    while (value > 127) {
      this.buffer[this.pos++] = value & 127 | 128;
      value >>>= 7;
    }
    this.buffer[this.pos++] = value;
    return this;
  }
  /**
   * Write a \`int32\` value, a signed 32 bit varint.
   */
  int32(value) {
    assertInt32(value);
    if (value >= 0) {
      return this.uint32(value);
    }
    this.ensureCapacity(10);
    for (let i = 0; i < 9; i++) {
      this.buffer[this.pos++] = value & 127 | 128;
      value >>= 7;
    }
    this.buffer[this.pos++] = 1;
    return this;
  }
  /**
   * Write a \`bool\` value, a varint.
   */
  bool(value) {
    this.ensureCapacity(1);
    this.buffer[this.pos++] = value ? 1 : 0;
    return this;
  }
  /**
   * Write a \`bytes\` value, length-delimited arbitrary data.
   */
  bytes(value) {
    this.uint32(value.byteLength);
    return this.raw(value);
  }
  /**
   * Write a \`string\` value, length-delimited data converted to UTF-8 text.
   */
  string(value) {
    if (typeof value !== "string") {
      value = String(value);
    }
    const len = value.length;
    if (len <= ASCII_MAX_LENGTH) {
      this.ensureCapacity(len + 1);
      const ascii = this.buffer;
      let pos = this.pos;
      ascii[pos++] = len;
      let i = 0;
      for (; i < len; i++) {
        const code = value.charCodeAt(i);
        if (code > 127)
          break;
        ascii[pos++] = code;
      }
      if (i == len) {
        this.pos = pos;
        return this;
      }
    }
    this.ensureCapacity(len * 3 + 5);
    const lenPrefixSizeGuess = varint32Size(len);
    const buf = this.buffer;
    const start = this.pos;
    const { written } = this.encodeUtf8Into(value, buf.subarray(start + lenPrefixSizeGuess));
    const lenPrefixSize = varint32Size(written);
    if (lenPrefixSize != lenPrefixSizeGuess) {
      buf.copyWithin(start + lenPrefixSize, start + lenPrefixSizeGuess, start + lenPrefixSizeGuess + written);
    }
    this.uint32(written);
    this.pos += written;
    return this;
  }
  /**
   * Write a \`float\` value, 32-bit floating point number.
   */
  float(value) {
    assertFloat32(value);
    this.ensureCapacity(4);
    this.view().setFloat32(this.pos, value, true);
    this.pos += 4;
    return this;
  }
  /**
   * Write a \`double\` value, a 64-bit floating point number.
   */
  double(value) {
    this.ensureCapacity(8);
    this.view().setFloat64(this.pos, value, true);
    this.pos += 8;
    return this;
  }
  /**
   * Write a \`fixed32\` value, an unsigned, fixed-length 32-bit integer.
   */
  fixed32(value) {
    assertUInt32(value);
    this.ensureCapacity(4);
    this.view().setUint32(this.pos, value, true);
    this.pos += 4;
    return this;
  }
  /**
   * Write a \`sfixed32\` value, a signed, fixed-length 32-bit integer.
   */
  sfixed32(value) {
    assertInt32(value);
    this.ensureCapacity(4);
    this.view().setInt32(this.pos, value, true);
    this.pos += 4;
    return this;
  }
  /**
   * Write a \`sint32\` value, a signed, zigzag-encoded 32-bit varint.
   */
  sint32(value) {
    assertInt32(value);
    return this.uint32((value << 1 ^ value >> 31) >>> 0);
  }
  /**
   * Write a \`sfixed64\` value, a signed, fixed-length 64-bit integer.
   */
  sfixed64(value) {
    const tc = protoInt64.enc(value);
    this.ensureCapacity(8);
    const view = this.view();
    view.setInt32(this.pos, tc.lo, true);
    view.setInt32(this.pos + 4, tc.hi, true);
    this.pos += 8;
    return this;
  }
  /**
   * Write a \`fixed64\` value, an unsigned, fixed-length 64 bit integer.
   */
  fixed64(value) {
    const tc = protoInt64.uEnc(value);
    this.ensureCapacity(8);
    const view = this.view();
    view.setInt32(this.pos, tc.lo, true);
    view.setInt32(this.pos + 4, tc.hi, true);
    this.pos += 8;
    return this;
  }
  /**
   * Write a \`int64\` value, a signed 64-bit varint.
   */
  int64(value) {
    const tc = protoInt64.enc(value);
    return this.writeVarint64(tc.lo, tc.hi);
  }
  /**
   * Write a \`sint64\` value, a signed, zig-zag-encoded 64-bit varint.
   */
  sint64(value) {
    const tc = protoInt64.enc(value), sign = tc.hi >> 31, lo = tc.lo << 1 ^ sign, hi = (tc.hi << 1 | tc.lo >>> 31) ^ sign;
    return this.writeVarint64(lo, hi);
  }
  /**
   * Write a \`uint64\` value, an unsigned 64-bit varint.
   */
  uint64(value) {
    const tc = protoInt64.uEnc(value);
    return this.writeVarint64(tc.lo, tc.hi);
  }
  /**
   * Write a 64-bit varint directly into the buffer. Accepts the value as
   * split low/high 32-bit words.
   *
   * Ported from varint64write() to avoid the intermediate number[] buffer.
   * See https://github.com/protocolbuffers/protobuf/blob/8a71927d74a4ce34efe2d8769fda198f52d20d12/js/experimental/runtime/kernel/writer.js#L344
   */
  writeVarint64(lo, hi) {
    this.ensureCapacity(10);
    const buf = this.buffer;
    let pos = this.pos;
    for (let i = 0; i < 28; i = i + 7) {
      const shift = lo >>> i;
      const hasNext = !(shift >>> 7 == 0 && hi == 0);
      buf[pos++] = (hasNext ? shift | 128 : shift) & 255;
      if (!hasNext) {
        this.pos = pos;
        return this;
      }
    }
    const splitBits = lo >>> 28 & 15 | (hi & 7) << 4;
    const hasMoreBits = !(hi >> 3 == 0);
    buf[pos++] = (hasMoreBits ? splitBits | 128 : splitBits) & 255;
    if (!hasMoreBits) {
      this.pos = pos;
      return this;
    }
    for (let i = 3; i < 31; i = i + 7) {
      const shift = hi >>> i;
      const hasNext = !(shift >>> 7 == 0);
      buf[pos++] = (hasNext ? shift | 128 : shift) & 255;
      if (!hasNext) {
        this.pos = pos;
        return this;
      }
    }
    buf[pos++] = hi >>> 31 & 1;
    this.pos = pos;
    return this;
  }
};
var INITIAL_SIZE = 128;
var DEFAULT_LEN_PREFIX_SIZE = 1;
var EMPTY_BUFFER = new Uint8Array(0);
var EMPTY_VIEW = new DataView(EMPTY_BUFFER.buffer);
var ASCII_MAX_LENGTH = 32;
function varint32Size(value) {
  if (value < 128)
    return 1;
  if (value < 16384)
    return 2;
  if (value < 2097152)
    return 3;
  if (value < 268435456)
    return 4;
  return 5;
}
var BinaryReader = class {
  constructor(buf, decodeUtf8 = getTextEncoding().decodeUtf8) {
    this.decodeUtf8 = decodeUtf8;
    this.varint64Lo = 0;
    this.varint64Hi = 0;
    this.varint64 = varint64read;
    this.uint32 = varint32read;
    this.buf = buf;
    this.len = buf.length;
    this.pos = 0;
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }
  /**
   * Reads a tag - field number and wire type. Tags are uint32 varints; values
   * that do not fit in uint32 are rejected.
   */
  tag() {
    const start = this.pos;
    const tag = this.uint32();
    const bytesRead = this.pos - start;
    if (bytesRead > 5 || bytesRead == 5 && this.buf[this.pos - 1] > 15) {
      throw new Error("illegal tag: varint overflows uint32");
    }
    const fieldNo = tag >>> 3;
    const wireType = tag & 7;
    if (fieldNo <= 0 || wireType > 5) {
      throw new Error("illegal tag: field no " + fieldNo + " wire type " + wireType);
    }
    return [fieldNo, wireType];
  }
  /**
   * Skip one element and return the skipped data.
   *
   * When skipping StartGroup, provide the tags field number to check for
   * matching field number in the EndGroup tag. Recursion into nested groups
   * is guarded by the \`recursionLimit\` argument: When the limit is reached,
   * this method throws.
   */
  skip(wireType, fieldNo, recursionLimit = 100) {
    let start = this.pos;
    switch (wireType) {
      case WireType.Varint:
        while (this.buf[this.pos++] & 128) {
        }
        break;
      // @ts-ignore TS7029: Fallthrough case in switch -- ignore instead of expect-error for compiler settings without noFallthroughCasesInSwitch: true
      case WireType.Bit64:
        this.pos += 4;
      case WireType.Bit32:
        this.pos += 4;
        break;
      case WireType.LengthDelimited:
        let len = this.uint32();
        this.pos += len;
        break;
      case WireType.StartGroup:
        if (recursionLimit <= 0) {
          throw new Error("maximum recursion depth reached");
        }
        for (; ; ) {
          const [fn, wt] = this.tag();
          if (wt === WireType.EndGroup) {
            if (fieldNo !== void 0 && fn !== fieldNo) {
              throw new Error("invalid end group tag");
            }
            break;
          }
          this.skip(wt, fn, recursionLimit - 1);
        }
        break;
      default:
        throw new Error("cant skip wire type " + wireType);
    }
    this.assertBounds();
    return this.buf.subarray(start, this.pos);
  }
  /**
   * Throws error if position in byte array is out of range.
   */
  assertBounds() {
    if (this.pos > this.len)
      throw new RangeError("premature EOF");
  }
  /**
   * Read a \`int32\` field, a signed 32 bit varint.
   */
  int32() {
    return this.uint32() | 0;
  }
  /**
   * Read a \`sint32\` field, a signed, zigzag-encoded 32-bit varint.
   */
  sint32() {
    let zze = this.uint32();
    return zze >>> 1 ^ -(zze & 1);
  }
  /**
   * Read a \`int64\` field, a signed 64-bit varint.
   */
  int64() {
    this.varint64();
    return protoInt64.dec(this.varint64Lo, this.varint64Hi);
  }
  /**
   * Read a \`uint64\` field, an unsigned 64-bit varint.
   */
  uint64() {
    this.varint64();
    return protoInt64.uDec(this.varint64Lo, this.varint64Hi);
  }
  /**
   * Read a \`sint64\` field, a signed, zig-zag-encoded 64-bit varint.
   */
  sint64() {
    this.varint64();
    let lo = this.varint64Lo;
    let hi = this.varint64Hi;
    let s = -(lo & 1);
    lo = (lo >>> 1 | (hi & 1) << 31) ^ s;
    hi = hi >>> 1 ^ s;
    return protoInt64.dec(lo, hi);
  }
  /**
   * Read a \`bool\` field, a variant.
   */
  bool() {
    const b = this.buf[this.pos];
    if (b < 128) {
      this.pos++;
      return b !== 0;
    }
    this.varint64();
    return this.varint64Lo !== 0 || this.varint64Hi !== 0;
  }
  /**
   * Read a \`fixed32\` field, an unsigned, fixed-length 32-bit integer.
   */
  fixed32() {
    return this.view.getUint32((this.pos += 4) - 4, true);
  }
  /**
   * Read a \`sfixed32\` field, a signed, fixed-length 32-bit integer.
   */
  sfixed32() {
    return this.view.getInt32((this.pos += 4) - 4, true);
  }
  /**
   * Read a \`fixed64\` field, an unsigned, fixed-length 64 bit integer.
   */
  fixed64() {
    return protoInt64.uDec(this.sfixed32(), this.sfixed32());
  }
  /**
   * Read a \`fixed64\` field, a signed, fixed-length 64-bit integer.
   */
  sfixed64() {
    return protoInt64.dec(this.sfixed32(), this.sfixed32());
  }
  /**
   * Read a \`float\` field, 32-bit floating point number.
   */
  float() {
    return this.view.getFloat32((this.pos += 4) - 4, true);
  }
  /**
   * Read a \`double\` field, a 64-bit floating point number.
   */
  double() {
    return this.view.getFloat64((this.pos += 8) - 8, true);
  }
  /**
   * Read a \`bytes\` field, length-delimited arbitrary data.
   */
  bytes() {
    let len = this.uint32(), start = this.pos;
    this.pos += len;
    this.assertBounds();
    return this.buf.subarray(start, start + len);
  }
  /**
   * Read a \`string\` field, length-delimited data converted to UTF-8 text. If
   * \`strict\` is true, throw on invalid UTF-8 instead of substituting U+FFFD.
   */
  string(strict) {
    const len = this.uint32();
    const start = this.pos;
    this.pos += len;
    this.assertBounds();
    const buf = this.buf;
    if (len <= ASCII_MAX_LENGTH) {
      const codes = new Array(len);
      for (let i = 0; i < len; i++) {
        const byte = buf[start + i];
        if (byte > 127) {
          return this.decodeUtf8(buf.subarray(start, this.pos), strict);
        }
        codes[i] = byte;
      }
      return String.fromCharCode.apply(String, codes);
    }
    return this.decodeUtf8(buf.subarray(start, this.pos), strict);
  }
};
function assertInt32(arg) {
  if (typeof arg == "string") {
    arg = Number(arg);
  } else if (typeof arg != "number") {
    throw new Error("invalid int32: " + typeof arg);
  }
  if (!Number.isInteger(arg) || arg > INT32_MAX || arg < INT32_MIN)
    throw new Error("invalid int32: " + arg);
}
function assertUInt32(arg) {
  if (typeof arg == "string") {
    arg = Number(arg);
  } else if (typeof arg != "number") {
    throw new Error("invalid uint32: " + typeof arg);
  }
  if (!Number.isInteger(arg) || arg > UINT32_MAX || arg < 0)
    throw new Error("invalid uint32: " + arg);
}
function assertFloat32(arg) {
  if (typeof arg == "string") {
    const o = arg;
    arg = Number(arg);
    if (Number.isNaN(arg) && o !== "NaN") {
      throw new Error("invalid float32: " + o);
    }
  } else if (typeof arg != "number") {
    throw new Error("invalid float32: " + typeof arg);
  }
  if (!Number.isFinite(Math.fround(arg)) && Number.isFinite(arg)) {
    throw new Error("invalid float32: " + arg);
  }
}

// protobuf:dist/esm/reflect/message.js
var NULL_VALUE = 0;
function localMessageMapper(field) {
  if (usesJsonRepresentation(field)) {
    return {
      toMessage: (local) => wktStructToReflect(local),
      toLocal: (message) => wktStructToLocal(message)
    };
  }
  if (field.fieldKind == "message" && !field.oneof && isWrapperDesc(field.message)) {
    const wrapperDesc = field.message;
    const valueLocalName = wrapperDesc.fields[0].localName;
    return {
      toMessage: (local) => {
        const message = create(wrapperDesc);
        if (local !== void 0) {
          message[valueLocalName] = local;
        }
        return message;
      },
      toLocal: (message) => message[valueLocalName]
    };
  }
  const childDesc = field.message;
  return {
    toMessage: (local) => local === void 0 ? create(childDesc) : local,
    toLocal: (message) => message
  };
}
function usesJsonRepresentation(field) {
  return field.message.typeName == "google.protobuf.Struct" && field.parent.typeName != "google.protobuf.Value";
}
function wktStructToReflect(json) {
  const struct = {
    $typeName: "google.protobuf.Struct",
    fields: {}
  };
  if (isObject(json)) {
    for (const k of Object.keys(json)) {
      setOwn(struct.fields, k, wktValueToReflect(json[k]));
    }
  }
  return struct;
}
function wktStructToLocal(val) {
  const json = {};
  for (const k of Object.keys(val.fields)) {
    setOwn(json, k, wktValueToLocal(val.fields[k]));
  }
  return json;
}
function wktValueToLocal(val) {
  switch (val.kind.case) {
    case "structValue":
      return wktStructToLocal(val.kind.value);
    case "listValue":
      return val.kind.value.values.map(wktValueToLocal);
    case "nullValue":
    case void 0:
      return null;
    default:
      return val.kind.value;
  }
}
function wktValueToReflect(json) {
  const value = {
    $typeName: "google.protobuf.Value",
    kind: { case: void 0 }
  };
  switch (typeof json) {
    case "number":
      value.kind = { case: "numberValue", value: json };
      break;
    case "string":
      value.kind = { case: "stringValue", value: json };
      break;
    case "boolean":
      value.kind = { case: "boolValue", value: json };
      break;
    case "object":
      if (json === null) {
        value.kind = { case: "nullValue", value: NULL_VALUE };
      } else if (Array.isArray(json)) {
        const listValue = {
          $typeName: "google.protobuf.ListValue",
          values: []
        };
        if (Array.isArray(json)) {
          for (const e of json) {
            listValue.values.push(wktValueToReflect(e));
          }
        }
        value.kind = {
          case: "listValue",
          value: listValue
        };
      } else {
        value.kind = {
          case: "structValue",
          value: wktStructToReflect(json)
        };
      }
      break;
  }
  return value;
}

// protobuf:dist/esm/wire/base64-encoding.js
var nativeSetFromBase64 = Uint8Array.prototype.setFromBase64;
function base64Decode(base64Str) {
  const len = base64Str.length;
  let size = len - (len + 3 >> 2);
  if ((len & 3) == 0 && base64Str[len - 1] == "=") {
    size -= base64Str[len - 2] == "=" ? 2 : 1;
  }
  const bytes = new Uint8Array(size);
  let written = -1;
  if (nativeSetFromBase64) {
    try {
      const result = nativeSetFromBase64.call(bytes, base64Str);
      if (result.read == len) {
        written = result.written;
      }
    } catch (_a) {
    }
  }
  if (written < 0) {
    written = setFromBase64(bytes, base64Str);
  }
  return written == size ? bytes : bytes.subarray(0, written);
}
function setFromBase64(bytes, base64Str) {
  const table = getDecodeTable();
  let bytePos = 0, groupPos = 0, b, p = 0;
  for (let i = 0; i < base64Str.length; i++) {
    b = table[base64Str.charCodeAt(i)];
    if (b === void 0) {
      switch (base64Str[i]) {
        // @ts-ignore TS7029: Fallthrough case in switch -- ignore instead of expect-error for compiler settings without noFallthroughCasesInSwitch: true
        case "=":
          groupPos = 0;
        // reset state when padding found
        case "\\n":
        case "\\r":
        case "	":
        case " ":
          continue;
        // skip white-space, and padding
        default:
          throw Error("invalid base64 string");
      }
    }
    switch (groupPos) {
      case 0:
        p = b;
        groupPos = 1;
        break;
      case 1:
        bytes[bytePos++] = p << 2 | (b & 48) >> 4;
        p = b;
        groupPos = 2;
        break;
      case 2:
        bytes[bytePos++] = (p & 15) << 4 | (b & 60) >> 2;
        p = b;
        groupPos = 3;
        break;
      case 3:
        bytes[bytePos++] = (p & 3) << 6 | b;
        groupPos = 0;
        break;
    }
  }
  if (groupPos == 1)
    throw Error("invalid base64 string");
  return bytePos;
}
var nativeToBase64 = Uint8Array.prototype.toBase64;
var encodeTableStd;
var encodeTableUrl;
var decodeTable;
function getEncodeTable(encoding) {
  if (!encodeTableStd) {
    encodeTableStd = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".split("");
    encodeTableUrl = encodeTableStd.slice(0, -2).concat("-", "_");
  }
  return encoding == "url" ? (
    // biome-ignore lint/style/noNonNullAssertion: TS fails to narrow down
    encodeTableUrl
  ) : encodeTableStd;
}
function getDecodeTable() {
  if (!decodeTable) {
    decodeTable = [];
    const encodeTable = getEncodeTable("std");
    for (let i = 0; i < encodeTable.length; i++)
      decodeTable[encodeTable[i].charCodeAt(0)] = i;
    decodeTable["-".charCodeAt(0)] = encodeTable.indexOf("+");
    decodeTable["_".charCodeAt(0)] = encodeTable.indexOf("/");
  }
  return decodeTable;
}

// protobuf:dist/esm/reflect/names.js
function protoCamelCase(snakeCase) {
  let capNext = false;
  const b = [];
  for (let i = 0; i < snakeCase.length; i++) {
    let c = snakeCase.charAt(i);
    switch (c) {
      case "_":
        capNext = true;
        break;
      case "0":
      case "1":
      case "2":
      case "3":
      case "4":
      case "5":
      case "6":
      case "7":
      case "8":
      case "9":
        b.push(c);
        capNext = false;
        break;
      default:
        if (capNext) {
          capNext = false;
          c = c.toUpperCase();
        }
        b.push(c);
        break;
    }
  }
  return b.join("");
}
var reservedObjectProperties = /* @__PURE__ */ new Set([
  // names reserved by JavaScript
  "constructor",
  "toString",
  "toJSON",
  "valueOf"
]);
function safeObjectProperty(name) {
  return reservedObjectProperties.has(name) ? name + "$" : name;
}

// protobuf:dist/esm/codegenv2/restore-json-names.js
function restoreJsonNames(message) {
  for (const f of message.field) {
    if (!unsafeIsSetExplicit(f, "jsonName")) {
      f.jsonName = protoCamelCase(f.name);
    }
  }
  message.nestedType.forEach(restoreJsonNames);
}

// protobuf:dist/esm/wire/text-format.js
function parseTextFormatEnumValue(descEnum, value) {
  const enumValue = descEnum.values.find((v) => v.name === value);
  if (!enumValue) {
    throw new Error(\`cannot parse \${descEnum} default value: \${value}\`);
  }
  return enumValue.number;
}
function parseTextFormatScalarValue(type, value) {
  switch (type) {
    case ScalarType.STRING:
      return value;
    case ScalarType.BYTES: {
      const u = unescapeBytesDefaultValue(value);
      if (u === false) {
        throw new Error(\`cannot parse \${ScalarType[type]} default value: \${value}\`);
      }
      return u;
    }
    case ScalarType.INT64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return protoInt64.parse(value);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return protoInt64.uParse(value);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      switch (value) {
        case "inf":
          return Number.POSITIVE_INFINITY;
        case "-inf":
          return Number.NEGATIVE_INFINITY;
        case "nan":
          return Number.NaN;
        default:
          return parseFloat(value);
      }
    case ScalarType.BOOL:
      return value === "true";
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return parseInt(value, 10);
  }
}
function unescapeBytesDefaultValue(str) {
  const b = [];
  const input = {
    tail: str,
    c: "",
    next() {
      if (this.tail.length == 0) {
        return false;
      }
      this.c = this.tail[0];
      this.tail = this.tail.substring(1);
      return true;
    },
    take(n) {
      if (this.tail.length >= n) {
        const r = this.tail.substring(0, n);
        this.tail = this.tail.substring(n);
        return r;
      }
      return false;
    }
  };
  while (input.next()) {
    switch (input.c) {
      case "\\\\":
        if (input.next()) {
          switch (input.c) {
            case "\\\\":
              b.push(input.c.charCodeAt(0));
              break;
            case "b":
              b.push(8);
              break;
            case "f":
              b.push(12);
              break;
            case "n":
              b.push(10);
              break;
            case "r":
              b.push(13);
              break;
            case "t":
              b.push(9);
              break;
            case "v":
              b.push(11);
              break;
            case "0":
            case "1":
            case "2":
            case "3":
            case "4":
            case "5":
            case "6":
            case "7": {
              const s = input.c;
              const t = input.take(2);
              if (t === false) {
                return false;
              }
              const n = parseInt(s + t, 8);
              if (Number.isNaN(n)) {
                return false;
              }
              b.push(n);
              break;
            }
            case "x": {
              const s = input.c;
              const t = input.take(2);
              if (t === false) {
                return false;
              }
              const n = parseInt(s + t, 16);
              if (Number.isNaN(n)) {
                return false;
              }
              b.push(n);
              break;
            }
            case "u": {
              const s = input.c;
              const t = input.take(4);
              if (t === false) {
                return false;
              }
              const n = parseInt(s + t, 16);
              if (Number.isNaN(n)) {
                return false;
              }
              const chunk = new Uint8Array(4);
              const view = new DataView(chunk.buffer);
              view.setInt32(0, n, true);
              b.push(chunk[0], chunk[1], chunk[2], chunk[3]);
              break;
            }
            case "U": {
              const s = input.c;
              const t = input.take(8);
              if (t === false) {
                return false;
              }
              const tc = protoInt64.uEnc(s + t);
              const chunk = new Uint8Array(8);
              const view = new DataView(chunk.buffer);
              view.setInt32(0, tc.lo, true);
              view.setInt32(4, tc.hi, true);
              b.push(chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7]);
              break;
            }
          }
        }
        break;
      default:
        b.push(input.c.charCodeAt(0));
    }
  }
  return new Uint8Array(b);
}

// protobuf:dist/esm/reflect/nested-types.js
function* nestedTypes(desc) {
  switch (desc.kind) {
    case "file":
      for (const message of desc.messages) {
        yield message;
        yield* nestedTypes(message);
      }
      yield* desc.enums;
      yield* desc.services;
      yield* desc.extensions;
      break;
    case "message":
      for (const message of desc.nestedMessages) {
        yield message;
        yield* nestedTypes(message);
      }
      yield* desc.nestedEnums;
      yield* desc.nestedExtensions;
      break;
  }
}

// protobuf:dist/esm/registry.js
function createEmbeddedFileRegistry(fileDescriptorProto, resolve) {
  return buildFileRegistry([fileDescriptorProto, resolve]);
}
function buildFileRegistry(args, check) {
  const registry = createBaseRegistry();
  if (!args.length) {
    return registry;
  }
  if ("$typeName" in args[0] && args[0].$typeName == "google.protobuf.FileDescriptorSet") {
    for (const file of args[0].file) {
      check === null || check === void 0 ? void 0 : check(file);
      addFile(file, registry);
    }
    return registry;
  }
  if ("$typeName" in args[0]) {
    let recurseDeps = function(file) {
      const deps = [];
      for (const protoFileName of file.dependency) {
        if (registry.getFile(protoFileName) != void 0) {
          continue;
        }
        if (seen.has(protoFileName)) {
          continue;
        }
        const dep = resolve(protoFileName);
        if (!dep) {
          throw new Error(\`Unable to resolve \${protoFileName}, imported by \${file.name}\`);
        }
        if ("kind" in dep) {
          registry.addFile(dep, false, true);
        } else {
          seen.add(dep.name);
          deps.push(dep);
        }
      }
      return deps.concat(...deps.map(recurseDeps));
    };
    const input = args[0];
    const resolve = args[1];
    const seen = /* @__PURE__ */ new Set();
    for (const file of [input, ...recurseDeps(input)].reverse()) {
      check === null || check === void 0 ? void 0 : check(file);
      addFile(file, registry);
    }
  } else {
    for (const fileReg of args) {
      for (const file of fileReg.files) {
        registry.addFile(file);
      }
    }
  }
  return registry;
}
function createBaseRegistry() {
  const types = /* @__PURE__ */ new Map();
  const extendees = /* @__PURE__ */ new Map();
  const files = /* @__PURE__ */ new Map();
  return {
    kind: "registry",
    types,
    extendees,
    [Symbol.iterator]() {
      return types.values();
    },
    get files() {
      return files.values();
    },
    addFile(file, skipTypes, withDeps) {
      files.set(file.proto.name, file);
      if (!skipTypes) {
        for (const type of nestedTypes(file)) {
          this.add(type);
        }
      }
      if (withDeps) {
        for (const f of file.dependencies) {
          this.addFile(f, skipTypes, withDeps);
        }
      }
    },
    add(desc) {
      if (desc.kind == "extension") {
        let numberToExt = extendees.get(desc.extendee.typeName);
        if (!numberToExt) {
          extendees.set(
            desc.extendee.typeName,
            // biome-ignore lint/suspicious/noAssignInExpressions: no
            numberToExt = /* @__PURE__ */ new Map()
          );
        }
        numberToExt.set(desc.number, desc);
      }
      types.set(desc.typeName, desc);
    },
    get(typeName) {
      return types.get(typeName);
    },
    getFile(fileName) {
      return files.get(fileName);
    },
    getMessage(typeName) {
      const t = types.get(typeName);
      return (t === null || t === void 0 ? void 0 : t.kind) == "message" ? t : void 0;
    },
    getEnum(typeName) {
      const t = types.get(typeName);
      return (t === null || t === void 0 ? void 0 : t.kind) == "enum" ? t : void 0;
    },
    getExtension(typeName) {
      const t = types.get(typeName);
      return (t === null || t === void 0 ? void 0 : t.kind) == "extension" ? t : void 0;
    },
    getExtensionFor(extendee, no) {
      var _a;
      return (_a = extendees.get(extendee.typeName)) === null || _a === void 0 ? void 0 : _a.get(no);
    },
    getService(typeName) {
      const t = types.get(typeName);
      return (t === null || t === void 0 ? void 0 : t.kind) == "service" ? t : void 0;
    }
  };
}
var EDITION_PROTO22 = 998;
var EDITION_PROTO32 = 999;
var EDITION_UNSTABLE = 9999;
var TYPE_STRING = 9;
var TYPE_GROUP = 10;
var TYPE_MESSAGE = 11;
var TYPE_BYTES = 12;
var TYPE_ENUM = 14;
var LABEL_REPEATED = 3;
var LABEL_REQUIRED = 2;
var JS_STRING = 1;
var IDEMPOTENCY_UNKNOWN = 0;
var EXPLICIT = 1;
var IMPLICIT2 = 2;
var LEGACY_REQUIRED = 3;
var PACKED = 1;
var DELIMITED = 2;
var OPEN = 1;
var VERIFY = 2;
var maximumEdition = 1002;
var featureDefaults = {
  // EDITION_PROTO2
  998: {
    fieldPresence: 1,
    // EXPLICIT,
    enumType: 2,
    // CLOSED,
    repeatedFieldEncoding: 2,
    // EXPANDED,
    utf8Validation: 3,
    // NONE,
    messageEncoding: 1,
    // LENGTH_PREFIXED,
    jsonFormat: 2,
    // LEGACY_BEST_EFFORT,
    enforceNamingStyle: 2,
    // STYLE_LEGACY,
    defaultSymbolVisibility: 1,
    // EXPORT_ALL,
    enforceProtoLimits: 1
    // LEGACY_NO_EXPLICIT_LIMITS,
  },
  // EDITION_PROTO3
  999: {
    fieldPresence: 2,
    // IMPLICIT,
    enumType: 1,
    // OPEN,
    repeatedFieldEncoding: 1,
    // PACKED,
    utf8Validation: 2,
    // VERIFY,
    messageEncoding: 1,
    // LENGTH_PREFIXED,
    jsonFormat: 1,
    // ALLOW,
    enforceNamingStyle: 2,
    // STYLE_LEGACY,
    defaultSymbolVisibility: 1,
    // EXPORT_ALL,
    enforceProtoLimits: 1
    // LEGACY_NO_EXPLICIT_LIMITS,
  },
  // EDITION_2023
  1e3: {
    fieldPresence: 1,
    // EXPLICIT,
    enumType: 1,
    // OPEN,
    repeatedFieldEncoding: 1,
    // PACKED,
    utf8Validation: 2,
    // VERIFY,
    messageEncoding: 1,
    // LENGTH_PREFIXED,
    jsonFormat: 1,
    // ALLOW,
    enforceNamingStyle: 2,
    // STYLE_LEGACY,
    defaultSymbolVisibility: 1,
    // EXPORT_ALL,
    enforceProtoLimits: 1
    // LEGACY_NO_EXPLICIT_LIMITS,
  },
  // EDITION_2024
  1001: {
    fieldPresence: 1,
    // EXPLICIT,
    enumType: 1,
    // OPEN,
    repeatedFieldEncoding: 1,
    // PACKED,
    utf8Validation: 2,
    // VERIFY,
    messageEncoding: 1,
    // LENGTH_PREFIXED,
    jsonFormat: 1,
    // ALLOW,
    enforceNamingStyle: 1,
    // STYLE2024,
    defaultSymbolVisibility: 2,
    // EXPORT_TOP_LEVEL,
    enforceProtoLimits: 1
    // LEGACY_NO_EXPLICIT_LIMITS,
  },
  // EDITION_2026
  1002: {
    fieldPresence: 1,
    // EXPLICIT,
    enumType: 1,
    // OPEN,
    repeatedFieldEncoding: 1,
    // PACKED,
    utf8Validation: 2,
    // VERIFY,
    messageEncoding: 1,
    // LENGTH_PREFIXED,
    jsonFormat: 1,
    // ALLOW,
    enforceNamingStyle: 3,
    // STYLE2026,
    defaultSymbolVisibility: 4,
    // STRICT,
    enforceProtoLimits: 2
    // PROTO_LIMITS2026,
  }
};
function addFile(proto, reg) {
  var _a, _b;
  const file = {
    kind: "file",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    edition: getFileEdition(proto),
    name: proto.name.replace(/\\.proto$/, ""),
    dependencies: findFileDependencies(proto, reg),
    enums: [],
    messages: [],
    extensions: [],
    services: [],
    toString() {
      return \`file \${proto.name}\`;
    }
  };
  const mapEntriesStore = /* @__PURE__ */ new Map();
  const mapEntries = {
    get(typeName) {
      return mapEntriesStore.get(typeName);
    },
    add(desc) {
      var _a2;
      assert(((_a2 = desc.proto.options) === null || _a2 === void 0 ? void 0 : _a2.mapEntry) === true);
      mapEntriesStore.set(desc.typeName, desc);
    }
  };
  for (const enumProto of proto.enumType) {
    addEnum(enumProto, file, void 0, reg);
  }
  for (const messageProto of proto.messageType) {
    addMessage(messageProto, file, void 0, reg, mapEntries);
  }
  for (const serviceProto of proto.service) {
    addService(serviceProto, file, reg);
  }
  addExtensions(file, reg);
  for (const mapEntry of mapEntriesStore.values()) {
    addFields(mapEntry, reg, mapEntries);
  }
  for (const message of file.messages) {
    addFields(message, reg, mapEntries);
    addExtensions(message, reg);
  }
  reg.addFile(file, true);
}
function addExtensions(desc, reg) {
  switch (desc.kind) {
    case "file":
      for (const proto of desc.proto.extension) {
        const ext = newField(proto, desc, reg);
        desc.extensions.push(ext);
        reg.add(ext);
      }
      break;
    case "message":
      for (const proto of desc.proto.extension) {
        const ext = newField(proto, desc, reg);
        desc.nestedExtensions.push(ext);
        reg.add(ext);
      }
      for (const message of desc.nestedMessages) {
        addExtensions(message, reg);
      }
      break;
  }
}
function addFields(message, reg, mapEntries) {
  const allOneofs = message.proto.oneofDecl.map((proto) => newOneof(proto, message));
  const oneofsSeen = /* @__PURE__ */ new Set();
  for (const proto of message.proto.field) {
    const oneof = findOneof(proto, allOneofs);
    const field = newField(proto, message, reg, oneof, mapEntries);
    message.fields.push(field);
    message.field[field.localName] = field;
    if (oneof === void 0) {
      message.members.push(field);
    } else {
      oneof.fields.push(field);
      if (!oneofsSeen.has(oneof)) {
        oneofsSeen.add(oneof);
        message.members.push(oneof);
      }
    }
  }
  for (const oneof of allOneofs.filter((o) => oneofsSeen.has(o))) {
    message.oneofs.push(oneof);
  }
  for (const child of message.nestedMessages) {
    addFields(child, reg, mapEntries);
  }
}
function addEnum(proto, file, parent, reg) {
  var _a, _b, _c, _d, _e, _f, _g;
  var _h, _j;
  const sharedPrefix = findEnumSharedPrefix(proto.name, proto.value);
  const desc = {
    kind: "enum",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    file,
    parent,
    open: true,
    name: proto.name,
    typeName: makeTypeName(proto, parent, file),
    value: {},
    values: [],
    sharedPrefix,
    toString() {
      return \`enum \${this.typeName}\`;
    }
  };
  desc.open = isEnumOpen(desc);
  reg.add(desc);
  for (const p of proto.value) {
    const name = p.name;
    const value = {
      kind: "enum_value",
      proto: p,
      deprecated: (_d = (_c = p.options) === null || _c === void 0 ? void 0 : _c.deprecated) !== null && _d !== void 0 ? _d : false,
      parent: desc,
      name,
      localName: safeObjectProperty(sharedPrefix == void 0 ? name : name.substring(sharedPrefix.length)),
      number: p.number,
      jsonName: (_e = findEnumValueJsonName(p)) !== null && _e !== void 0 ? _e : name,
      toString() {
        return \`enum value \${desc.typeName}.\${name}\`;
      }
    };
    desc.values.push(value);
    (_f = (_h = desc.value)[_j = p.number]) !== null && _f !== void 0 ? _f : _h[_j] = value;
  }
  ((_g = parent === null || parent === void 0 ? void 0 : parent.nestedEnums) !== null && _g !== void 0 ? _g : file.enums).push(desc);
}
function addMessage(proto, file, parent, reg, mapEntries) {
  var _a, _b, _c, _d;
  const desc = {
    kind: "message",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    file,
    parent,
    name: proto.name,
    typeName: makeTypeName(proto, parent, file),
    fields: [],
    field: {},
    oneofs: [],
    members: [],
    nestedEnums: [],
    nestedMessages: [],
    nestedExtensions: [],
    toString() {
      return \`message \${this.typeName}\`;
    }
  };
  if (((_c = proto.options) === null || _c === void 0 ? void 0 : _c.mapEntry) === true) {
    mapEntries.add(desc);
  } else {
    ((_d = parent === null || parent === void 0 ? void 0 : parent.nestedMessages) !== null && _d !== void 0 ? _d : file.messages).push(desc);
    reg.add(desc);
  }
  for (const enumProto of proto.enumType) {
    addEnum(enumProto, file, desc, reg);
  }
  for (const messageProto of proto.nestedType) {
    addMessage(messageProto, file, desc, reg, mapEntries);
  }
}
function addService(proto, file, reg) {
  var _a, _b;
  const desc = {
    kind: "service",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    file,
    name: proto.name,
    typeName: makeTypeName(proto, void 0, file),
    methods: [],
    method: {},
    toString() {
      return \`service \${this.typeName}\`;
    }
  };
  file.services.push(desc);
  reg.add(desc);
  for (const methodProto of proto.method) {
    const method = newMethod(methodProto, desc, reg);
    desc.methods.push(method);
    desc.method[method.localName] = method;
  }
}
function newMethod(proto, parent, reg) {
  var _a, _b, _c, _d;
  let methodKind;
  if (proto.clientStreaming && proto.serverStreaming) {
    methodKind = "bidi_streaming";
  } else if (proto.clientStreaming) {
    methodKind = "client_streaming";
  } else if (proto.serverStreaming) {
    methodKind = "server_streaming";
  } else {
    methodKind = "unary";
  }
  const input = reg.getMessage(trimLeadingDot(proto.inputType));
  const output = reg.getMessage(trimLeadingDot(proto.outputType));
  assert(input, \`invalid MethodDescriptorProto: input_type \${proto.inputType} not found\`);
  assert(output, \`invalid MethodDescriptorProto: output_type \${proto.inputType} not found\`);
  const name = proto.name;
  return {
    kind: "rpc",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    parent,
    name,
    localName: safeObjectProperty(name.length ? safeObjectProperty(name[0].toLowerCase() + name.substring(1)) : name),
    methodKind,
    input,
    output,
    idempotency: (_d = (_c = proto.options) === null || _c === void 0 ? void 0 : _c.idempotencyLevel) !== null && _d !== void 0 ? _d : IDEMPOTENCY_UNKNOWN,
    toString() {
      return \`rpc \${parent.typeName}.\${name}\`;
    }
  };
}
function newOneof(proto, parent) {
  return {
    kind: "oneof",
    proto,
    deprecated: false,
    parent,
    fields: [],
    name: proto.name,
    localName: safeObjectProperty(protoCamelCase(proto.name)),
    toString() {
      return \`oneof \${parent.typeName}.\${this.name}\`;
    }
  };
}
function newField(proto, parentOrFile, reg, oneof, mapEntries) {
  var _a, _b, _c;
  const isExtension = mapEntries === void 0;
  const field = {
    kind: "field",
    proto,
    deprecated: (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.deprecated) !== null && _b !== void 0 ? _b : false,
    name: proto.name,
    number: proto.number,
    scalar: void 0,
    message: void 0,
    enum: void 0,
    presence: getFieldPresence(proto, oneof, isExtension, parentOrFile),
    utf8Validation: isUtf8Validated(proto, parentOrFile),
    listKind: void 0,
    mapKind: void 0,
    mapKey: void 0,
    delimitedEncoding: void 0,
    packed: void 0,
    longAsString: false,
    getDefaultValue: void 0
  };
  let toStr;
  if (isExtension) {
    const file = parentOrFile.kind == "file" ? parentOrFile : parentOrFile.file;
    const parent = parentOrFile.kind == "file" ? void 0 : parentOrFile;
    const typeName = makeTypeName(proto, parent, file);
    field.kind = "extension";
    field.file = file;
    field.parent = parent;
    field.oneof = void 0;
    field.typeName = typeName;
    field.jsonName = \`[\${typeName}]\`;
    toStr = () => \`extension \${typeName}\`;
    const extendee = reg.getMessage(trimLeadingDot(proto.extendee));
    assert(extendee, \`invalid FieldDescriptorProto: extendee \${proto.extendee} not found\`);
    field.extendee = extendee;
  } else {
    const parent = parentOrFile;
    assert(parent.kind == "message");
    field.parent = parent;
    field.oneof = oneof;
    field.localName = oneof ? protoCamelCase(proto.name) : safeObjectProperty(protoCamelCase(proto.name));
    field.jsonName = proto.jsonName;
    toStr = () => \`field \${parent.typeName}.\${proto.name}\`;
  }
  Object.defineProperty(field, "toString", {
    value: toStr,
    writable: true,
    enumerable: true,
    configurable: true
  });
  const label = proto.label;
  const type = proto.type;
  const jstype = (_c = proto.options) === null || _c === void 0 ? void 0 : _c.jstype;
  if (label === LABEL_REPEATED) {
    const mapEntry = type == TYPE_MESSAGE ? mapEntries === null || mapEntries === void 0 ? void 0 : mapEntries.get(trimLeadingDot(proto.typeName)) : void 0;
    if (mapEntry) {
      field.fieldKind = "map";
      const { key, value } = findMapEntryFields(mapEntry);
      field.mapKey = key.scalar;
      field.mapKind = value.fieldKind;
      field.message = value.message;
      field.delimitedEncoding = false;
      field.enum = value.enum;
      field.scalar = value.scalar;
      return field;
    }
    field.fieldKind = "list";
    switch (type) {
      case TYPE_MESSAGE:
      case TYPE_GROUP:
        field.listKind = "message";
        field.message = reg.getMessage(trimLeadingDot(proto.typeName));
        assert(field.message);
        field.delimitedEncoding = isDelimitedEncoding(proto, parentOrFile);
        break;
      case TYPE_ENUM:
        field.listKind = "enum";
        field.enum = reg.getEnum(trimLeadingDot(proto.typeName));
        assert(field.enum);
        break;
      default:
        field.listKind = "scalar";
        field.scalar = type;
        field.longAsString = jstype == JS_STRING;
        break;
    }
    field.packed = isPackedField(proto, parentOrFile);
    return field;
  }
  switch (type) {
    case TYPE_MESSAGE:
    case TYPE_GROUP:
      field.fieldKind = "message";
      field.message = reg.getMessage(trimLeadingDot(proto.typeName));
      assert(field.message, \`invalid FieldDescriptorProto: type_name \${proto.typeName} not found\`);
      field.delimitedEncoding = isDelimitedEncoding(proto, parentOrFile);
      field.getDefaultValue = () => void 0;
      break;
    case TYPE_ENUM: {
      const enumeration = reg.getEnum(trimLeadingDot(proto.typeName));
      assert(enumeration !== void 0, \`invalid FieldDescriptorProto: type_name \${proto.typeName} not found\`);
      field.fieldKind = "enum";
      field.enum = reg.getEnum(trimLeadingDot(proto.typeName));
      field.getDefaultValue = () => {
        return unsafeIsSetExplicit(proto, "defaultValue") ? parseTextFormatEnumValue(enumeration, proto.defaultValue) : void 0;
      };
      break;
    }
    default: {
      field.fieldKind = "scalar";
      field.scalar = type;
      field.longAsString = jstype == JS_STRING;
      field.getDefaultValue = () => {
        return unsafeIsSetExplicit(proto, "defaultValue") ? parseTextFormatScalarValue(type, proto.defaultValue) : void 0;
      };
      break;
    }
  }
  return field;
}
function getFileEdition(proto) {
  switch (proto.syntax) {
    case "":
    case "proto2":
      return EDITION_PROTO22;
    case "proto3":
      return EDITION_PROTO32;
    case "editions":
      if (proto.edition === EDITION_UNSTABLE) {
        return maximumEdition;
      }
      if (proto.edition in featureDefaults) {
        return proto.edition;
      }
      throw new Error(\`\${proto.name}: unsupported edition\`);
    default:
      throw new Error(\`\${proto.name}: unsupported syntax "\${proto.syntax}"\`);
  }
}
function findFileDependencies(proto, reg) {
  return proto.dependency.map((wantName) => {
    const dep = reg.getFile(wantName);
    if (!dep) {
      throw new Error(\`Cannot find \${wantName}, imported by \${proto.name}\`);
    }
    return dep;
  });
}
function findEnumSharedPrefix(enumName, values) {
  const prefix = camelToSnakeCase(enumName) + "_";
  for (const value of values) {
    if (!value.name.toLowerCase().startsWith(prefix)) {
      return void 0;
    }
    const shortName = value.name.substring(prefix.length);
    if (shortName.length == 0) {
      return void 0;
    }
    if (/^\\d/.test(shortName)) {
      return void 0;
    }
  }
  return prefix;
}
function findEnumValueJsonName(proto) {
  var _a, _b;
  const extensionNumber = 998;
  const fieldNumber = 1;
  let jsonName;
  for (const uf of (_b = (_a = proto.options) === null || _a === void 0 ? void 0 : _a.$unknown) !== null && _b !== void 0 ? _b : []) {
    if (uf.no !== extensionNumber || uf.wireType !== WireType.LengthDelimited) {
      continue;
    }
    const reader = new BinaryReader(new BinaryReader(uf.data).bytes());
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      if (no === fieldNumber && wireType === WireType.LengthDelimited) {
        jsonName = reader.string();
      } else {
        reader.skip(wireType, no);
      }
    }
  }
  return jsonName;
}
function camelToSnakeCase(camel) {
  return (camel.substring(0, 1) + camel.substring(1).replace(/[A-Z]/g, (c) => "_" + c)).toLowerCase();
}
function makeTypeName(proto, parent, file) {
  let typeName;
  if (parent) {
    typeName = \`\${parent.typeName}.\${proto.name}\`;
  } else if (file.proto.package.length > 0) {
    typeName = \`\${file.proto.package}.\${proto.name}\`;
  } else {
    typeName = \`\${proto.name}\`;
  }
  return typeName;
}
function trimLeadingDot(typeName) {
  return typeName.startsWith(".") ? typeName.substring(1) : typeName;
}
function findOneof(proto, allOneofs) {
  if (!unsafeIsSetExplicit(proto, "oneofIndex")) {
    return void 0;
  }
  if (proto.proto3Optional) {
    return void 0;
  }
  const oneof = allOneofs[proto.oneofIndex];
  assert(oneof, \`invalid FieldDescriptorProto: oneof #\${proto.oneofIndex} for field #\${proto.number} not found\`);
  return oneof;
}
function getFieldPresence(proto, oneof, isExtension, parent) {
  if (proto.label == LABEL_REQUIRED) {
    return LEGACY_REQUIRED;
  }
  if (proto.label == LABEL_REPEATED) {
    return IMPLICIT2;
  }
  if (!!oneof || proto.proto3Optional) {
    return EXPLICIT;
  }
  if (isExtension) {
    return EXPLICIT;
  }
  const resolved = resolveFeature("fieldPresence", { proto, parent });
  if (resolved == IMPLICIT2 && (proto.type == TYPE_MESSAGE || proto.type == TYPE_GROUP)) {
    return EXPLICIT;
  }
  return resolved;
}
function isPackedField(proto, parent) {
  if (proto.label != LABEL_REPEATED) {
    return false;
  }
  switch (proto.type) {
    case TYPE_STRING:
    case TYPE_BYTES:
    case TYPE_GROUP:
    case TYPE_MESSAGE:
      return false;
  }
  const o = proto.options;
  if (o && unsafeIsSetExplicit(o, "packed")) {
    return o.packed;
  }
  return PACKED == resolveFeature("repeatedFieldEncoding", {
    proto,
    parent
  });
}
function findMapEntryFields(mapEntry) {
  const key = mapEntry.fields.find((f) => f.number === 1);
  const value = mapEntry.fields.find((f) => f.number === 2);
  assert(key && key.fieldKind == "scalar" && key.scalar != ScalarType.BYTES && key.scalar != ScalarType.FLOAT && key.scalar != ScalarType.DOUBLE && value && value.fieldKind != "list" && value.fieldKind != "map");
  return { key, value };
}
function isEnumOpen(desc) {
  var _a;
  return OPEN == resolveFeature("enumType", {
    proto: desc.proto,
    parent: (_a = desc.parent) !== null && _a !== void 0 ? _a : desc.file
  });
}
function isDelimitedEncoding(proto, parent) {
  if (proto.type == TYPE_GROUP) {
    return true;
  }
  return DELIMITED == resolveFeature("messageEncoding", {
    proto,
    parent
  });
}
function isUtf8Validated(proto, parent) {
  return VERIFY == resolveFeature("utf8Validation", {
    proto,
    parent
  });
}
function resolveFeature(name, ref) {
  var _a, _b;
  const featureSet = (_a = ref.proto.options) === null || _a === void 0 ? void 0 : _a.features;
  if (featureSet) {
    const val = featureSet[name];
    if (val != 0) {
      return val;
    }
  }
  if ("kind" in ref) {
    if (ref.kind == "message") {
      return resolveFeature(name, (_b = ref.parent) !== null && _b !== void 0 ? _b : ref.file);
    }
    const editionDefaults = featureDefaults[ref.edition];
    if (!editionDefaults) {
      throw new Error(\`feature default for edition \${ref.edition} not found\`);
    }
    return editionDefaults[name];
  }
  return resolveFeature(name, ref.parent);
}
function assert(condition, msg) {
  if (!condition) {
    throw new Error(msg);
  }
}

// protobuf:dist/esm/codegenv2/boot.js
function boot(boot2) {
  const root = bootFileDescriptorProto(boot2);
  root.messageType.forEach(restoreJsonNames);
  const reg = createEmbeddedFileRegistry(root, () => void 0);
  return reg.getFile(root.name);
}
function bootFileDescriptorProto(init) {
  const proto = /* @__PURE__ */ Object.create({
    syntax: "",
    edition: 0
  });
  return Object.assign(proto, Object.assign(Object.assign({ $typeName: "google.protobuf.FileDescriptorProto", dependency: [], publicDependency: [], weakDependency: [], optionDependency: [], service: [], extension: [] }, init), { messageType: init.messageType.map(bootDescriptorProto), enumType: init.enumType.map(bootEnumDescriptorProto) }));
}
function bootDescriptorProto(init) {
  var _a, _b, _c, _d, _e, _f, _g, _h;
  const proto = /* @__PURE__ */ Object.create({
    visibility: 0
  });
  return Object.assign(proto, {
    $typeName: "google.protobuf.DescriptorProto",
    name: init.name,
    field: (_b = (_a = init.field) === null || _a === void 0 ? void 0 : _a.map(bootFieldDescriptorProto)) !== null && _b !== void 0 ? _b : [],
    extension: [],
    nestedType: (_d = (_c = init.nestedType) === null || _c === void 0 ? void 0 : _c.map(bootDescriptorProto)) !== null && _d !== void 0 ? _d : [],
    enumType: (_f = (_e = init.enumType) === null || _e === void 0 ? void 0 : _e.map(bootEnumDescriptorProto)) !== null && _f !== void 0 ? _f : [],
    extensionRange: (_h = (_g = init.extensionRange) === null || _g === void 0 ? void 0 : _g.map((e) => Object.assign({ $typeName: "google.protobuf.DescriptorProto.ExtensionRange" }, e))) !== null && _h !== void 0 ? _h : [],
    oneofDecl: [],
    reservedRange: [],
    reservedName: []
  });
}
function bootFieldDescriptorProto(init) {
  const proto = /* @__PURE__ */ Object.create({
    label: 1,
    typeName: "",
    extendee: "",
    defaultValue: "",
    oneofIndex: 0,
    jsonName: "",
    proto3Optional: false
  });
  return Object.assign(proto, Object.assign(Object.assign({ $typeName: "google.protobuf.FieldDescriptorProto" }, init), { options: init.options ? bootFieldOptions(init.options) : void 0 }));
}
function bootFieldOptions(init) {
  var _a, _b, _c;
  const proto = /* @__PURE__ */ Object.create({
    ctype: 0,
    packed: false,
    jstype: 0,
    lazy: false,
    unverifiedLazy: false,
    deprecated: false,
    weak: false,
    debugRedact: false,
    retention: 0
  });
  return Object.assign(proto, Object.assign(Object.assign({ $typeName: "google.protobuf.FieldOptions" }, init), { targets: (_a = init.targets) !== null && _a !== void 0 ? _a : [], editionDefaults: (_c = (_b = init.editionDefaults) === null || _b === void 0 ? void 0 : _b.map((e) => Object.assign({ $typeName: "google.protobuf.FieldOptions.EditionDefault" }, e))) !== null && _c !== void 0 ? _c : [], uninterpretedOption: [] }));
}
function bootEnumDescriptorProto(init) {
  const proto = /* @__PURE__ */ Object.create({
    visibility: 0
  });
  return Object.assign(proto, {
    $typeName: "google.protobuf.EnumDescriptorProto",
    name: init.name,
    reservedName: [],
    reservedRange: [],
    value: init.value.map((e) => Object.assign({ $typeName: "google.protobuf.EnumValueDescriptorProto" }, e))
  });
}

// protobuf:dist/esm/codegenv2/message.js
function messageDesc(file, path, ...paths) {
  return paths.reduce((acc, cur) => acc.nestedMessages[cur], file.messages[path]);
}

// protobuf:dist/esm/wkt/google/protobuf/descriptor_pb.js
var file_google_protobuf_descriptor = /* @__PURE__ */ boot({ "name": "google/protobuf/descriptor.proto", "package": "google.protobuf", "messageType": [{ "name": "FileDescriptorSet", "field": [{ "name": "file", "number": 1, "type": 11, "label": 3, "typeName": ".google.protobuf.FileDescriptorProto" }], "extensionRange": [{ "start": 536e6, "end": 536000001 }] }, { "name": "FileDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "package", "number": 2, "type": 9, "label": 1 }, { "name": "dependency", "number": 3, "type": 9, "label": 3 }, { "name": "public_dependency", "number": 10, "type": 5, "label": 3 }, { "name": "weak_dependency", "number": 11, "type": 5, "label": 3 }, { "name": "option_dependency", "number": 15, "type": 9, "label": 3 }, { "name": "message_type", "number": 4, "type": 11, "label": 3, "typeName": ".google.protobuf.DescriptorProto" }, { "name": "enum_type", "number": 5, "type": 11, "label": 3, "typeName": ".google.protobuf.EnumDescriptorProto" }, { "name": "service", "number": 6, "type": 11, "label": 3, "typeName": ".google.protobuf.ServiceDescriptorProto" }, { "name": "extension", "number": 7, "type": 11, "label": 3, "typeName": ".google.protobuf.FieldDescriptorProto" }, { "name": "options", "number": 8, "type": 11, "label": 1, "typeName": ".google.protobuf.FileOptions" }, { "name": "source_code_info", "number": 9, "type": 11, "label": 1, "typeName": ".google.protobuf.SourceCodeInfo" }, { "name": "syntax", "number": 12, "type": 9, "label": 1 }, { "name": "edition", "number": 14, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }] }, { "name": "DescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "field", "number": 2, "type": 11, "label": 3, "typeName": ".google.protobuf.FieldDescriptorProto" }, { "name": "extension", "number": 6, "type": 11, "label": 3, "typeName": ".google.protobuf.FieldDescriptorProto" }, { "name": "nested_type", "number": 3, "type": 11, "label": 3, "typeName": ".google.protobuf.DescriptorProto" }, { "name": "enum_type", "number": 4, "type": 11, "label": 3, "typeName": ".google.protobuf.EnumDescriptorProto" }, { "name": "extension_range", "number": 5, "type": 11, "label": 3, "typeName": ".google.protobuf.DescriptorProto.ExtensionRange" }, { "name": "oneof_decl", "number": 8, "type": 11, "label": 3, "typeName": ".google.protobuf.OneofDescriptorProto" }, { "name": "options", "number": 7, "type": 11, "label": 1, "typeName": ".google.protobuf.MessageOptions" }, { "name": "reserved_range", "number": 9, "type": 11, "label": 3, "typeName": ".google.protobuf.DescriptorProto.ReservedRange" }, { "name": "reserved_name", "number": 10, "type": 9, "label": 3 }, { "name": "visibility", "number": 11, "type": 14, "label": 1, "typeName": ".google.protobuf.SymbolVisibility" }], "nestedType": [{ "name": "ExtensionRange", "field": [{ "name": "start", "number": 1, "type": 5, "label": 1 }, { "name": "end", "number": 2, "type": 5, "label": 1 }, { "name": "options", "number": 3, "type": 11, "label": 1, "typeName": ".google.protobuf.ExtensionRangeOptions" }] }, { "name": "ReservedRange", "field": [{ "name": "start", "number": 1, "type": 5, "label": 1 }, { "name": "end", "number": 2, "type": 5, "label": 1 }] }] }, { "name": "ExtensionRangeOptions", "field": [{ "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }, { "name": "declaration", "number": 2, "type": 11, "label": 3, "typeName": ".google.protobuf.ExtensionRangeOptions.Declaration", "options": { "retention": 2 } }, { "name": "features", "number": 50, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "verification", "number": 3, "type": 14, "label": 1, "typeName": ".google.protobuf.ExtensionRangeOptions.VerificationState", "defaultValue": "UNVERIFIED", "options": { "retention": 2 } }], "nestedType": [{ "name": "Declaration", "field": [{ "name": "number", "number": 1, "type": 5, "label": 1 }, { "name": "full_name", "number": 2, "type": 9, "label": 1 }, { "name": "type", "number": 3, "type": 9, "label": 1 }, { "name": "reserved", "number": 5, "type": 8, "label": 1 }, { "name": "repeated", "number": 6, "type": 8, "label": 1 }] }], "enumType": [{ "name": "VerificationState", "value": [{ "name": "DECLARATION", "number": 0 }, { "name": "UNVERIFIED", "number": 1 }] }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "FieldDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "number", "number": 3, "type": 5, "label": 1 }, { "name": "label", "number": 4, "type": 14, "label": 1, "typeName": ".google.protobuf.FieldDescriptorProto.Label" }, { "name": "type", "number": 5, "type": 14, "label": 1, "typeName": ".google.protobuf.FieldDescriptorProto.Type" }, { "name": "type_name", "number": 6, "type": 9, "label": 1 }, { "name": "extendee", "number": 2, "type": 9, "label": 1 }, { "name": "default_value", "number": 7, "type": 9, "label": 1 }, { "name": "oneof_index", "number": 9, "type": 5, "label": 1 }, { "name": "json_name", "number": 10, "type": 9, "label": 1 }, { "name": "options", "number": 8, "type": 11, "label": 1, "typeName": ".google.protobuf.FieldOptions" }, { "name": "proto3_optional", "number": 17, "type": 8, "label": 1 }], "enumType": [{ "name": "Type", "value": [{ "name": "TYPE_DOUBLE", "number": 1 }, { "name": "TYPE_FLOAT", "number": 2 }, { "name": "TYPE_INT64", "number": 3 }, { "name": "TYPE_UINT64", "number": 4 }, { "name": "TYPE_INT32", "number": 5 }, { "name": "TYPE_FIXED64", "number": 6 }, { "name": "TYPE_FIXED32", "number": 7 }, { "name": "TYPE_BOOL", "number": 8 }, { "name": "TYPE_STRING", "number": 9 }, { "name": "TYPE_GROUP", "number": 10 }, { "name": "TYPE_MESSAGE", "number": 11 }, { "name": "TYPE_BYTES", "number": 12 }, { "name": "TYPE_UINT32", "number": 13 }, { "name": "TYPE_ENUM", "number": 14 }, { "name": "TYPE_SFIXED32", "number": 15 }, { "name": "TYPE_SFIXED64", "number": 16 }, { "name": "TYPE_SINT32", "number": 17 }, { "name": "TYPE_SINT64", "number": 18 }] }, { "name": "Label", "value": [{ "name": "LABEL_OPTIONAL", "number": 1 }, { "name": "LABEL_REPEATED", "number": 3 }, { "name": "LABEL_REQUIRED", "number": 2 }] }] }, { "name": "OneofDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "options", "number": 2, "type": 11, "label": 1, "typeName": ".google.protobuf.OneofOptions" }] }, { "name": "EnumDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "value", "number": 2, "type": 11, "label": 3, "typeName": ".google.protobuf.EnumValueDescriptorProto" }, { "name": "options", "number": 3, "type": 11, "label": 1, "typeName": ".google.protobuf.EnumOptions" }, { "name": "reserved_range", "number": 4, "type": 11, "label": 3, "typeName": ".google.protobuf.EnumDescriptorProto.EnumReservedRange" }, { "name": "reserved_name", "number": 5, "type": 9, "label": 3 }, { "name": "visibility", "number": 6, "type": 14, "label": 1, "typeName": ".google.protobuf.SymbolVisibility" }], "nestedType": [{ "name": "EnumReservedRange", "field": [{ "name": "start", "number": 1, "type": 5, "label": 1 }, { "name": "end", "number": 2, "type": 5, "label": 1 }] }] }, { "name": "EnumValueDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "number", "number": 2, "type": 5, "label": 1 }, { "name": "options", "number": 3, "type": 11, "label": 1, "typeName": ".google.protobuf.EnumValueOptions" }] }, { "name": "ServiceDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "method", "number": 2, "type": 11, "label": 3, "typeName": ".google.protobuf.MethodDescriptorProto" }, { "name": "options", "number": 3, "type": 11, "label": 1, "typeName": ".google.protobuf.ServiceOptions" }] }, { "name": "MethodDescriptorProto", "field": [{ "name": "name", "number": 1, "type": 9, "label": 1 }, { "name": "input_type", "number": 2, "type": 9, "label": 1 }, { "name": "output_type", "number": 3, "type": 9, "label": 1 }, { "name": "options", "number": 4, "type": 11, "label": 1, "typeName": ".google.protobuf.MethodOptions" }, { "name": "client_streaming", "number": 5, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "server_streaming", "number": 6, "type": 8, "label": 1, "defaultValue": "false" }] }, { "name": "FileOptions", "field": [{ "name": "java_package", "number": 1, "type": 9, "label": 1 }, { "name": "java_outer_classname", "number": 8, "type": 9, "label": 1 }, { "name": "java_multiple_files", "number": 10, "type": 8, "label": 1, "defaultValue": "false", "options": {} }, { "name": "java_generate_equals_and_hash", "number": 20, "type": 8, "label": 1, "options": { "deprecated": true } }, { "name": "java_string_check_utf8", "number": 27, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "optimize_for", "number": 9, "type": 14, "label": 1, "typeName": ".google.protobuf.FileOptions.OptimizeMode", "defaultValue": "SPEED" }, { "name": "go_package", "number": 11, "type": 9, "label": 1 }, { "name": "cc_generic_services", "number": 16, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "java_generic_services", "number": 17, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "py_generic_services", "number": 18, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "deprecated", "number": 23, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "cc_enable_arenas", "number": 31, "type": 8, "label": 1, "defaultValue": "true", "options": {} }, { "name": "objc_class_prefix", "number": 36, "type": 9, "label": 1 }, { "name": "csharp_namespace", "number": 37, "type": 9, "label": 1 }, { "name": "swift_prefix", "number": 39, "type": 9, "label": 1 }, { "name": "php_class_prefix", "number": 40, "type": 9, "label": 1 }, { "name": "php_namespace", "number": 41, "type": 9, "label": 1 }, { "name": "php_metadata_namespace", "number": 44, "type": 9, "label": 1 }, { "name": "ruby_package", "number": 45, "type": 9, "label": 1 }, { "name": "features", "number": 50, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "enumType": [{ "name": "OptimizeMode", "value": [{ "name": "SPEED", "number": 1 }, { "name": "CODE_SIZE", "number": 2 }, { "name": "LITE_RUNTIME", "number": 3 }] }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "MessageOptions", "field": [{ "name": "message_set_wire_format", "number": 1, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "no_standard_descriptor_accessor", "number": 2, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "deprecated", "number": 3, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "map_entry", "number": 7, "type": 8, "label": 1 }, { "name": "deprecated_legacy_json_field_conflicts", "number": 11, "type": 8, "label": 1, "options": { "deprecated": true } }, { "name": "features", "number": 12, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "FieldOptions", "field": [{ "name": "ctype", "number": 1, "type": 14, "label": 1, "typeName": ".google.protobuf.FieldOptions.CType", "defaultValue": "STRING" }, { "name": "packed", "number": 2, "type": 8, "label": 1 }, { "name": "jstype", "number": 6, "type": 14, "label": 1, "typeName": ".google.protobuf.FieldOptions.JSType", "defaultValue": "JS_NORMAL" }, { "name": "lazy", "number": 5, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "unverified_lazy", "number": 15, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "deprecated", "number": 3, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "weak", "number": 10, "type": 8, "label": 1, "defaultValue": "false", "options": { "deprecated": true } }, { "name": "debug_redact", "number": 16, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "retention", "number": 17, "type": 14, "label": 1, "typeName": ".google.protobuf.FieldOptions.OptionRetention" }, { "name": "targets", "number": 19, "type": 14, "label": 3, "typeName": ".google.protobuf.FieldOptions.OptionTargetType" }, { "name": "edition_defaults", "number": 20, "type": 11, "label": 3, "typeName": ".google.protobuf.FieldOptions.EditionDefault" }, { "name": "features", "number": 21, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "feature_support", "number": 22, "type": 11, "label": 1, "typeName": ".google.protobuf.FieldOptions.FeatureSupport" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "nestedType": [{ "name": "EditionDefault", "field": [{ "name": "edition", "number": 3, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "value", "number": 2, "type": 9, "label": 1 }] }, { "name": "FeatureSupport", "field": [{ "name": "edition_introduced", "number": 1, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "edition_deprecated", "number": 2, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "deprecation_warning", "number": 3, "type": 9, "label": 1 }, { "name": "edition_removed", "number": 4, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "removal_error", "number": 5, "type": 9, "label": 1 }] }], "enumType": [{ "name": "CType", "value": [{ "name": "STRING", "number": 0 }, { "name": "CORD", "number": 1 }, { "name": "STRING_PIECE", "number": 2 }] }, { "name": "JSType", "value": [{ "name": "JS_NORMAL", "number": 0 }, { "name": "JS_STRING", "number": 1 }, { "name": "JS_NUMBER", "number": 2 }] }, { "name": "OptionRetention", "value": [{ "name": "RETENTION_UNKNOWN", "number": 0 }, { "name": "RETENTION_RUNTIME", "number": 1 }, { "name": "RETENTION_SOURCE", "number": 2 }] }, { "name": "OptionTargetType", "value": [{ "name": "TARGET_TYPE_UNKNOWN", "number": 0 }, { "name": "TARGET_TYPE_FILE", "number": 1 }, { "name": "TARGET_TYPE_EXTENSION_RANGE", "number": 2 }, { "name": "TARGET_TYPE_MESSAGE", "number": 3 }, { "name": "TARGET_TYPE_FIELD", "number": 4 }, { "name": "TARGET_TYPE_ONEOF", "number": 5 }, { "name": "TARGET_TYPE_ENUM", "number": 6 }, { "name": "TARGET_TYPE_ENUM_ENTRY", "number": 7 }, { "name": "TARGET_TYPE_SERVICE", "number": 8 }, { "name": "TARGET_TYPE_METHOD", "number": 9 }] }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "OneofOptions", "field": [{ "name": "features", "number": 1, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "EnumOptions", "field": [{ "name": "allow_alias", "number": 2, "type": 8, "label": 1 }, { "name": "deprecated", "number": 3, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "deprecated_legacy_json_field_conflicts", "number": 6, "type": 8, "label": 1, "options": { "deprecated": true } }, { "name": "features", "number": 7, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "EnumValueOptions", "field": [{ "name": "deprecated", "number": 1, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "features", "number": 2, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "debug_redact", "number": 3, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "feature_support", "number": 4, "type": 11, "label": 1, "typeName": ".google.protobuf.FieldOptions.FeatureSupport" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "ServiceOptions", "field": [{ "name": "features", "number": 34, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "deprecated", "number": 33, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "MethodOptions", "field": [{ "name": "deprecated", "number": 33, "type": 8, "label": 1, "defaultValue": "false" }, { "name": "idempotency_level", "number": 34, "type": 14, "label": 1, "typeName": ".google.protobuf.MethodOptions.IdempotencyLevel", "defaultValue": "IDEMPOTENCY_UNKNOWN" }, { "name": "features", "number": 35, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "uninterpreted_option", "number": 999, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption" }], "enumType": [{ "name": "IdempotencyLevel", "value": [{ "name": "IDEMPOTENCY_UNKNOWN", "number": 0 }, { "name": "NO_SIDE_EFFECTS", "number": 1 }, { "name": "IDEMPOTENT", "number": 2 }] }], "extensionRange": [{ "start": 990, "end": 999 }, { "start": 1e3, "end": 536870912 }] }, { "name": "UninterpretedOption", "field": [{ "name": "name", "number": 2, "type": 11, "label": 3, "typeName": ".google.protobuf.UninterpretedOption.NamePart" }, { "name": "identifier_value", "number": 3, "type": 9, "label": 1 }, { "name": "positive_int_value", "number": 4, "type": 4, "label": 1 }, { "name": "negative_int_value", "number": 5, "type": 3, "label": 1 }, { "name": "double_value", "number": 6, "type": 1, "label": 1 }, { "name": "string_value", "number": 7, "type": 12, "label": 1 }, { "name": "aggregate_value", "number": 8, "type": 9, "label": 1 }], "nestedType": [{ "name": "NamePart", "field": [{ "name": "name_part", "number": 1, "type": 9, "label": 2 }, { "name": "is_extension", "number": 2, "type": 8, "label": 2 }] }] }, { "name": "FeatureSet", "field": [{ "name": "field_presence", "number": 1, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.FieldPresence", "options": { "retention": 1, "targets": [4, 1], "editionDefaults": [{ "value": "EXPLICIT", "edition": 900 }, { "value": "IMPLICIT", "edition": 999 }, { "value": "EXPLICIT", "edition": 1e3 }] } }, { "name": "enum_type", "number": 2, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.EnumType", "options": { "retention": 1, "targets": [6, 1], "editionDefaults": [{ "value": "CLOSED", "edition": 900 }, { "value": "OPEN", "edition": 999 }] } }, { "name": "repeated_field_encoding", "number": 3, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.RepeatedFieldEncoding", "options": { "retention": 1, "targets": [4, 1], "editionDefaults": [{ "value": "EXPANDED", "edition": 900 }, { "value": "PACKED", "edition": 999 }] } }, { "name": "utf8_validation", "number": 4, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.Utf8Validation", "options": { "retention": 1, "targets": [4, 1], "editionDefaults": [{ "value": "NONE", "edition": 900 }, { "value": "VERIFY", "edition": 999 }] } }, { "name": "message_encoding", "number": 5, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.MessageEncoding", "options": { "retention": 1, "targets": [4, 1], "editionDefaults": [{ "value": "LENGTH_PREFIXED", "edition": 900 }] } }, { "name": "json_format", "number": 6, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.JsonFormat", "options": { "retention": 1, "targets": [3, 6, 1], "editionDefaults": [{ "value": "LEGACY_BEST_EFFORT", "edition": 900 }, { "value": "ALLOW", "edition": 999 }] } }, { "name": "enforce_naming_style", "number": 7, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.EnforceNamingStyle", "options": { "retention": 2, "targets": [1, 2, 3, 4, 5, 6, 7, 8, 9], "editionDefaults": [{ "value": "STYLE_LEGACY", "edition": 900 }, { "value": "STYLE2024", "edition": 1001 }, { "value": "STYLE2026", "edition": 1002 }] } }, { "name": "default_symbol_visibility", "number": 8, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.VisibilityFeature.DefaultSymbolVisibility", "options": { "retention": 2, "targets": [1], "editionDefaults": [{ "value": "EXPORT_ALL", "edition": 900 }, { "value": "EXPORT_TOP_LEVEL", "edition": 1001 }, { "value": "STRICT", "edition": 1002 }] } }, { "name": "enforce_proto_limits", "number": 9, "type": 14, "label": 1, "typeName": ".google.protobuf.FeatureSet.ProtoLimitsFeature.EnforceProtoLimits", "options": { "retention": 2, "targets": [6, 3, 4, 5], "editionDefaults": [{ "value": "LEGACY_NO_EXPLICIT_LIMITS", "edition": 900 }, { "value": "PROTO_LIMITS2026", "edition": 1002 }] } }], "nestedType": [{ "name": "VisibilityFeature", "enumType": [{ "name": "DefaultSymbolVisibility", "value": [{ "name": "DEFAULT_SYMBOL_VISIBILITY_UNKNOWN", "number": 0 }, { "name": "EXPORT_ALL", "number": 1 }, { "name": "EXPORT_TOP_LEVEL", "number": 2 }, { "name": "LOCAL_ALL", "number": 3 }, { "name": "STRICT", "number": 4 }] }] }, { "name": "ProtoLimitsFeature", "enumType": [{ "name": "EnforceProtoLimits", "value": [{ "name": "PROTO_LIMITS_UNKNOWN", "number": 0 }, { "name": "LEGACY_NO_EXPLICIT_LIMITS", "number": 1 }, { "name": "PROTO_LIMITS2026", "number": 2 }] }] }], "enumType": [{ "name": "FieldPresence", "value": [{ "name": "FIELD_PRESENCE_UNKNOWN", "number": 0 }, { "name": "EXPLICIT", "number": 1 }, { "name": "IMPLICIT", "number": 2 }, { "name": "LEGACY_REQUIRED", "number": 3 }] }, { "name": "EnumType", "value": [{ "name": "ENUM_TYPE_UNKNOWN", "number": 0 }, { "name": "OPEN", "number": 1 }, { "name": "CLOSED", "number": 2 }] }, { "name": "RepeatedFieldEncoding", "value": [{ "name": "REPEATED_FIELD_ENCODING_UNKNOWN", "number": 0 }, { "name": "PACKED", "number": 1 }, { "name": "EXPANDED", "number": 2 }] }, { "name": "Utf8Validation", "value": [{ "name": "UTF8_VALIDATION_UNKNOWN", "number": 0 }, { "name": "VERIFY", "number": 2 }, { "name": "NONE", "number": 3 }] }, { "name": "MessageEncoding", "value": [{ "name": "MESSAGE_ENCODING_UNKNOWN", "number": 0 }, { "name": "LENGTH_PREFIXED", "number": 1 }, { "name": "DELIMITED", "number": 2 }] }, { "name": "JsonFormat", "value": [{ "name": "JSON_FORMAT_UNKNOWN", "number": 0 }, { "name": "ALLOW", "number": 1 }, { "name": "LEGACY_BEST_EFFORT", "number": 2 }] }, { "name": "EnforceNamingStyle", "value": [{ "name": "ENFORCE_NAMING_STYLE_UNKNOWN", "number": 0 }, { "name": "STYLE2024", "number": 1 }, { "name": "STYLE_LEGACY", "number": 2 }, { "name": "STYLE2026", "number": 3 }] }], "extensionRange": [{ "start": 1e3, "end": 9995 }, { "start": 9995, "end": 1e4 }, { "start": 1e4, "end": 10001 }] }, { "name": "FeatureSetDefaults", "field": [{ "name": "defaults", "number": 1, "type": 11, "label": 3, "typeName": ".google.protobuf.FeatureSetDefaults.FeatureSetEditionDefault" }, { "name": "minimum_edition", "number": 4, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "maximum_edition", "number": 5, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }], "nestedType": [{ "name": "FeatureSetEditionDefault", "field": [{ "name": "edition", "number": 3, "type": 14, "label": 1, "typeName": ".google.protobuf.Edition" }, { "name": "overridable_features", "number": 4, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }, { "name": "fixed_features", "number": 5, "type": 11, "label": 1, "typeName": ".google.protobuf.FeatureSet" }] }] }, { "name": "SourceCodeInfo", "field": [{ "name": "location", "number": 1, "type": 11, "label": 3, "typeName": ".google.protobuf.SourceCodeInfo.Location" }], "nestedType": [{ "name": "Location", "field": [{ "name": "path", "number": 1, "type": 5, "label": 3, "options": { "packed": true } }, { "name": "span", "number": 2, "type": 5, "label": 3, "options": { "packed": true } }, { "name": "leading_comments", "number": 3, "type": 9, "label": 1 }, { "name": "trailing_comments", "number": 4, "type": 9, "label": 1 }, { "name": "leading_detached_comments", "number": 6, "type": 9, "label": 3 }] }], "extensionRange": [{ "start": 536e6, "end": 536000001 }] }, { "name": "GeneratedCodeInfo", "field": [{ "name": "annotation", "number": 1, "type": 11, "label": 3, "typeName": ".google.protobuf.GeneratedCodeInfo.Annotation" }], "nestedType": [{ "name": "Annotation", "field": [{ "name": "path", "number": 1, "type": 5, "label": 3, "options": { "packed": true } }, { "name": "source_file", "number": 2, "type": 9, "label": 1 }, { "name": "begin", "number": 3, "type": 5, "label": 1 }, { "name": "end", "number": 4, "type": 5, "label": 1 }, { "name": "semantic", "number": 5, "type": 14, "label": 1, "typeName": ".google.protobuf.GeneratedCodeInfo.Annotation.Semantic" }], "enumType": [{ "name": "Semantic", "value": [{ "name": "NONE", "number": 0 }, { "name": "SET", "number": 1 }, { "name": "ALIAS", "number": 2 }] }] }] }], "enumType": [{ "name": "Edition", "value": [{ "name": "EDITION_UNKNOWN", "number": 0 }, { "name": "EDITION_LEGACY", "number": 900 }, { "name": "EDITION_PROTO2", "number": 998 }, { "name": "EDITION_PROTO3", "number": 999 }, { "name": "EDITION_2023", "number": 1e3 }, { "name": "EDITION_2024", "number": 1001 }, { "name": "EDITION_2026", "number": 1002 }, { "name": "EDITION_UNSTABLE", "number": 9999 }, { "name": "EDITION_1_TEST_ONLY", "number": 1 }, { "name": "EDITION_2_TEST_ONLY", "number": 2 }, { "name": "EDITION_99997_TEST_ONLY", "number": 99997 }, { "name": "EDITION_99998_TEST_ONLY", "number": 99998 }, { "name": "EDITION_99999_TEST_ONLY", "number": 99999 }, { "name": "EDITION_MAX", "number": 2147483647 }] }, { "name": "SymbolVisibility", "value": [{ "name": "VISIBILITY_UNSET", "number": 0 }, { "name": "VISIBILITY_LOCAL", "number": 1 }, { "name": "VISIBILITY_EXPORT", "number": 2 }] }] });
var FileDescriptorProtoSchema = /* @__PURE__ */ messageDesc(file_google_protobuf_descriptor, 1);
var ExtensionRangeOptions_VerificationState;
(function(ExtensionRangeOptions_VerificationState2) {
  ExtensionRangeOptions_VerificationState2[ExtensionRangeOptions_VerificationState2["DECLARATION"] = 0] = "DECLARATION";
  ExtensionRangeOptions_VerificationState2[ExtensionRangeOptions_VerificationState2["UNVERIFIED"] = 1] = "UNVERIFIED";
})(ExtensionRangeOptions_VerificationState || (ExtensionRangeOptions_VerificationState = {}));
var FieldDescriptorProto_Type;
(function(FieldDescriptorProto_Type2) {
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["DOUBLE"] = 1] = "DOUBLE";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["FLOAT"] = 2] = "FLOAT";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["INT64"] = 3] = "INT64";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["UINT64"] = 4] = "UINT64";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["INT32"] = 5] = "INT32";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["FIXED64"] = 6] = "FIXED64";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["FIXED32"] = 7] = "FIXED32";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["BOOL"] = 8] = "BOOL";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["STRING"] = 9] = "STRING";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["GROUP"] = 10] = "GROUP";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["MESSAGE"] = 11] = "MESSAGE";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["BYTES"] = 12] = "BYTES";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["UINT32"] = 13] = "UINT32";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["ENUM"] = 14] = "ENUM";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["SFIXED32"] = 15] = "SFIXED32";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["SFIXED64"] = 16] = "SFIXED64";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["SINT32"] = 17] = "SINT32";
  FieldDescriptorProto_Type2[FieldDescriptorProto_Type2["SINT64"] = 18] = "SINT64";
})(FieldDescriptorProto_Type || (FieldDescriptorProto_Type = {}));
var FieldDescriptorProto_Label;
(function(FieldDescriptorProto_Label2) {
  FieldDescriptorProto_Label2[FieldDescriptorProto_Label2["OPTIONAL"] = 1] = "OPTIONAL";
  FieldDescriptorProto_Label2[FieldDescriptorProto_Label2["REPEATED"] = 3] = "REPEATED";
  FieldDescriptorProto_Label2[FieldDescriptorProto_Label2["REQUIRED"] = 2] = "REQUIRED";
})(FieldDescriptorProto_Label || (FieldDescriptorProto_Label = {}));
var FileOptions_OptimizeMode;
(function(FileOptions_OptimizeMode2) {
  FileOptions_OptimizeMode2[FileOptions_OptimizeMode2["SPEED"] = 1] = "SPEED";
  FileOptions_OptimizeMode2[FileOptions_OptimizeMode2["CODE_SIZE"] = 2] = "CODE_SIZE";
  FileOptions_OptimizeMode2[FileOptions_OptimizeMode2["LITE_RUNTIME"] = 3] = "LITE_RUNTIME";
})(FileOptions_OptimizeMode || (FileOptions_OptimizeMode = {}));
var FieldOptions_CType;
(function(FieldOptions_CType2) {
  FieldOptions_CType2[FieldOptions_CType2["STRING"] = 0] = "STRING";
  FieldOptions_CType2[FieldOptions_CType2["CORD"] = 1] = "CORD";
  FieldOptions_CType2[FieldOptions_CType2["STRING_PIECE"] = 2] = "STRING_PIECE";
})(FieldOptions_CType || (FieldOptions_CType = {}));
var FieldOptions_JSType;
(function(FieldOptions_JSType2) {
  FieldOptions_JSType2[FieldOptions_JSType2["JS_NORMAL"] = 0] = "JS_NORMAL";
  FieldOptions_JSType2[FieldOptions_JSType2["JS_STRING"] = 1] = "JS_STRING";
  FieldOptions_JSType2[FieldOptions_JSType2["JS_NUMBER"] = 2] = "JS_NUMBER";
})(FieldOptions_JSType || (FieldOptions_JSType = {}));
var FieldOptions_OptionRetention;
(function(FieldOptions_OptionRetention2) {
  FieldOptions_OptionRetention2[FieldOptions_OptionRetention2["RETENTION_UNKNOWN"] = 0] = "RETENTION_UNKNOWN";
  FieldOptions_OptionRetention2[FieldOptions_OptionRetention2["RETENTION_RUNTIME"] = 1] = "RETENTION_RUNTIME";
  FieldOptions_OptionRetention2[FieldOptions_OptionRetention2["RETENTION_SOURCE"] = 2] = "RETENTION_SOURCE";
})(FieldOptions_OptionRetention || (FieldOptions_OptionRetention = {}));
var FieldOptions_OptionTargetType;
(function(FieldOptions_OptionTargetType2) {
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_UNKNOWN"] = 0] = "TARGET_TYPE_UNKNOWN";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_FILE"] = 1] = "TARGET_TYPE_FILE";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_EXTENSION_RANGE"] = 2] = "TARGET_TYPE_EXTENSION_RANGE";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_MESSAGE"] = 3] = "TARGET_TYPE_MESSAGE";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_FIELD"] = 4] = "TARGET_TYPE_FIELD";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_ONEOF"] = 5] = "TARGET_TYPE_ONEOF";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_ENUM"] = 6] = "TARGET_TYPE_ENUM";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_ENUM_ENTRY"] = 7] = "TARGET_TYPE_ENUM_ENTRY";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_SERVICE"] = 8] = "TARGET_TYPE_SERVICE";
  FieldOptions_OptionTargetType2[FieldOptions_OptionTargetType2["TARGET_TYPE_METHOD"] = 9] = "TARGET_TYPE_METHOD";
})(FieldOptions_OptionTargetType || (FieldOptions_OptionTargetType = {}));
var MethodOptions_IdempotencyLevel;
(function(MethodOptions_IdempotencyLevel2) {
  MethodOptions_IdempotencyLevel2[MethodOptions_IdempotencyLevel2["IDEMPOTENCY_UNKNOWN"] = 0] = "IDEMPOTENCY_UNKNOWN";
  MethodOptions_IdempotencyLevel2[MethodOptions_IdempotencyLevel2["NO_SIDE_EFFECTS"] = 1] = "NO_SIDE_EFFECTS";
  MethodOptions_IdempotencyLevel2[MethodOptions_IdempotencyLevel2["IDEMPOTENT"] = 2] = "IDEMPOTENT";
})(MethodOptions_IdempotencyLevel || (MethodOptions_IdempotencyLevel = {}));
var FeatureSet_VisibilityFeature_DefaultSymbolVisibility;
(function(FeatureSet_VisibilityFeature_DefaultSymbolVisibility2) {
  FeatureSet_VisibilityFeature_DefaultSymbolVisibility2[FeatureSet_VisibilityFeature_DefaultSymbolVisibility2["DEFAULT_SYMBOL_VISIBILITY_UNKNOWN"] = 0] = "DEFAULT_SYMBOL_VISIBILITY_UNKNOWN";
  FeatureSet_VisibilityFeature_DefaultSymbolVisibility2[FeatureSet_VisibilityFeature_DefaultSymbolVisibility2["EXPORT_ALL"] = 1] = "EXPORT_ALL";
  FeatureSet_VisibilityFeature_DefaultSymbolVisibility2[FeatureSet_VisibilityFeature_DefaultSymbolVisibility2["EXPORT_TOP_LEVEL"] = 2] = "EXPORT_TOP_LEVEL";
  FeatureSet_VisibilityFeature_DefaultSymbolVisibility2[FeatureSet_VisibilityFeature_DefaultSymbolVisibility2["LOCAL_ALL"] = 3] = "LOCAL_ALL";
  FeatureSet_VisibilityFeature_DefaultSymbolVisibility2[FeatureSet_VisibilityFeature_DefaultSymbolVisibility2["STRICT"] = 4] = "STRICT";
})(FeatureSet_VisibilityFeature_DefaultSymbolVisibility || (FeatureSet_VisibilityFeature_DefaultSymbolVisibility = {}));
var FeatureSet_ProtoLimitsFeature_EnforceProtoLimits;
(function(FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2) {
  FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2[FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2["PROTO_LIMITS_UNKNOWN"] = 0] = "PROTO_LIMITS_UNKNOWN";
  FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2[FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2["LEGACY_NO_EXPLICIT_LIMITS"] = 1] = "LEGACY_NO_EXPLICIT_LIMITS";
  FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2[FeatureSet_ProtoLimitsFeature_EnforceProtoLimits2["PROTO_LIMITS2026"] = 2] = "PROTO_LIMITS2026";
})(FeatureSet_ProtoLimitsFeature_EnforceProtoLimits || (FeatureSet_ProtoLimitsFeature_EnforceProtoLimits = {}));
var FeatureSet_FieldPresence;
(function(FeatureSet_FieldPresence2) {
  FeatureSet_FieldPresence2[FeatureSet_FieldPresence2["FIELD_PRESENCE_UNKNOWN"] = 0] = "FIELD_PRESENCE_UNKNOWN";
  FeatureSet_FieldPresence2[FeatureSet_FieldPresence2["EXPLICIT"] = 1] = "EXPLICIT";
  FeatureSet_FieldPresence2[FeatureSet_FieldPresence2["IMPLICIT"] = 2] = "IMPLICIT";
  FeatureSet_FieldPresence2[FeatureSet_FieldPresence2["LEGACY_REQUIRED"] = 3] = "LEGACY_REQUIRED";
})(FeatureSet_FieldPresence || (FeatureSet_FieldPresence = {}));
var FeatureSet_EnumType;
(function(FeatureSet_EnumType2) {
  FeatureSet_EnumType2[FeatureSet_EnumType2["ENUM_TYPE_UNKNOWN"] = 0] = "ENUM_TYPE_UNKNOWN";
  FeatureSet_EnumType2[FeatureSet_EnumType2["OPEN"] = 1] = "OPEN";
  FeatureSet_EnumType2[FeatureSet_EnumType2["CLOSED"] = 2] = "CLOSED";
})(FeatureSet_EnumType || (FeatureSet_EnumType = {}));
var FeatureSet_RepeatedFieldEncoding;
(function(FeatureSet_RepeatedFieldEncoding2) {
  FeatureSet_RepeatedFieldEncoding2[FeatureSet_RepeatedFieldEncoding2["REPEATED_FIELD_ENCODING_UNKNOWN"] = 0] = "REPEATED_FIELD_ENCODING_UNKNOWN";
  FeatureSet_RepeatedFieldEncoding2[FeatureSet_RepeatedFieldEncoding2["PACKED"] = 1] = "PACKED";
  FeatureSet_RepeatedFieldEncoding2[FeatureSet_RepeatedFieldEncoding2["EXPANDED"] = 2] = "EXPANDED";
})(FeatureSet_RepeatedFieldEncoding || (FeatureSet_RepeatedFieldEncoding = {}));
var FeatureSet_Utf8Validation;
(function(FeatureSet_Utf8Validation2) {
  FeatureSet_Utf8Validation2[FeatureSet_Utf8Validation2["UTF8_VALIDATION_UNKNOWN"] = 0] = "UTF8_VALIDATION_UNKNOWN";
  FeatureSet_Utf8Validation2[FeatureSet_Utf8Validation2["VERIFY"] = 2] = "VERIFY";
  FeatureSet_Utf8Validation2[FeatureSet_Utf8Validation2["NONE"] = 3] = "NONE";
})(FeatureSet_Utf8Validation || (FeatureSet_Utf8Validation = {}));
var FeatureSet_MessageEncoding;
(function(FeatureSet_MessageEncoding2) {
  FeatureSet_MessageEncoding2[FeatureSet_MessageEncoding2["MESSAGE_ENCODING_UNKNOWN"] = 0] = "MESSAGE_ENCODING_UNKNOWN";
  FeatureSet_MessageEncoding2[FeatureSet_MessageEncoding2["LENGTH_PREFIXED"] = 1] = "LENGTH_PREFIXED";
  FeatureSet_MessageEncoding2[FeatureSet_MessageEncoding2["DELIMITED"] = 2] = "DELIMITED";
})(FeatureSet_MessageEncoding || (FeatureSet_MessageEncoding = {}));
var FeatureSet_JsonFormat;
(function(FeatureSet_JsonFormat2) {
  FeatureSet_JsonFormat2[FeatureSet_JsonFormat2["JSON_FORMAT_UNKNOWN"] = 0] = "JSON_FORMAT_UNKNOWN";
  FeatureSet_JsonFormat2[FeatureSet_JsonFormat2["ALLOW"] = 1] = "ALLOW";
  FeatureSet_JsonFormat2[FeatureSet_JsonFormat2["LEGACY_BEST_EFFORT"] = 2] = "LEGACY_BEST_EFFORT";
})(FeatureSet_JsonFormat || (FeatureSet_JsonFormat = {}));
var FeatureSet_EnforceNamingStyle;
(function(FeatureSet_EnforceNamingStyle2) {
  FeatureSet_EnforceNamingStyle2[FeatureSet_EnforceNamingStyle2["ENFORCE_NAMING_STYLE_UNKNOWN"] = 0] = "ENFORCE_NAMING_STYLE_UNKNOWN";
  FeatureSet_EnforceNamingStyle2[FeatureSet_EnforceNamingStyle2["STYLE2024"] = 1] = "STYLE2024";
  FeatureSet_EnforceNamingStyle2[FeatureSet_EnforceNamingStyle2["STYLE_LEGACY"] = 2] = "STYLE_LEGACY";
  FeatureSet_EnforceNamingStyle2[FeatureSet_EnforceNamingStyle2["STYLE2026"] = 3] = "STYLE2026";
})(FeatureSet_EnforceNamingStyle || (FeatureSet_EnforceNamingStyle = {}));
var GeneratedCodeInfo_Annotation_Semantic;
(function(GeneratedCodeInfo_Annotation_Semantic2) {
  GeneratedCodeInfo_Annotation_Semantic2[GeneratedCodeInfo_Annotation_Semantic2["NONE"] = 0] = "NONE";
  GeneratedCodeInfo_Annotation_Semantic2[GeneratedCodeInfo_Annotation_Semantic2["SET"] = 1] = "SET";
  GeneratedCodeInfo_Annotation_Semantic2[GeneratedCodeInfo_Annotation_Semantic2["ALIAS"] = 2] = "ALIAS";
})(GeneratedCodeInfo_Annotation_Semantic || (GeneratedCodeInfo_Annotation_Semantic = {}));
var Edition;
(function(Edition2) {
  Edition2[Edition2["EDITION_UNKNOWN"] = 0] = "EDITION_UNKNOWN";
  Edition2[Edition2["EDITION_LEGACY"] = 900] = "EDITION_LEGACY";
  Edition2[Edition2["EDITION_PROTO2"] = 998] = "EDITION_PROTO2";
  Edition2[Edition2["EDITION_PROTO3"] = 999] = "EDITION_PROTO3";
  Edition2[Edition2["EDITION_2023"] = 1e3] = "EDITION_2023";
  Edition2[Edition2["EDITION_2024"] = 1001] = "EDITION_2024";
  Edition2[Edition2["EDITION_2026"] = 1002] = "EDITION_2026";
  Edition2[Edition2["EDITION_UNSTABLE"] = 9999] = "EDITION_UNSTABLE";
  Edition2[Edition2["EDITION_1_TEST_ONLY"] = 1] = "EDITION_1_TEST_ONLY";
  Edition2[Edition2["EDITION_2_TEST_ONLY"] = 2] = "EDITION_2_TEST_ONLY";
  Edition2[Edition2["EDITION_99997_TEST_ONLY"] = 99997] = "EDITION_99997_TEST_ONLY";
  Edition2[Edition2["EDITION_99998_TEST_ONLY"] = 99998] = "EDITION_99998_TEST_ONLY";
  Edition2[Edition2["EDITION_99999_TEST_ONLY"] = 99999] = "EDITION_99999_TEST_ONLY";
  Edition2[Edition2["EDITION_MAX"] = 2147483647] = "EDITION_MAX";
})(Edition || (Edition = {}));
var SymbolVisibility;
(function(SymbolVisibility2) {
  SymbolVisibility2[SymbolVisibility2["VISIBILITY_UNSET"] = 0] = "VISIBILITY_UNSET";
  SymbolVisibility2[SymbolVisibility2["VISIBILITY_LOCAL"] = 1] = "VISIBILITY_LOCAL";
  SymbolVisibility2[SymbolVisibility2["VISIBILITY_EXPORT"] = 2] = "VISIBILITY_EXPORT";
})(SymbolVisibility || (SymbolVisibility = {}));

// protobuf:dist/esm/from-binary.js
function makeReadContext(options) {
  return Object.assign(Object.assign({ readUnknownFields: true, recursionLimit: 100 }, options), { depth: 0 });
}
function fromBinary(schema, bytes, options) {
  const message = create(schema);
  compiledReader(schema).read(message, new BinaryReader(bytes), makeReadContext(options), bytes.byteLength);
  return message;
}
var compiledReaders = /* @__PURE__ */ new WeakMap();
function compiledReader(desc) {
  let compiled = compiledReaders.get(desc);
  if (compiled === void 0) {
    compiled = compileMessage(desc);
  }
  return compiled;
}
function compileMessage(desc) {
  const descString = String(desc);
  const fieldReaders = /* @__PURE__ */ new Map();
  const compiled = {
    read: compileMessageReader(descString, fieldReaders),
    readGroup: compileGroupReader(descString, fieldReaders)
  };
  compiledReaders.set(desc, compiled);
  for (const field of desc.fields) {
    fieldReaders.set(field.number, compileFieldReader(field));
  }
  return compiled;
}
function compileMessageReader(descString, fieldReaders) {
  return (message, reader, ctx, length) => {
    var _a;
    if (++ctx.depth > ctx.recursionLimit) {
      throw new Error(\`cannot decode \${descString} from binary: maximum recursion depth of \${ctx.recursionLimit} reached\`);
    }
    const end = reader.pos + length;
    const unknownFields = (_a = message.$unknown) !== null && _a !== void 0 ? _a : [];
    while (reader.pos < end) {
      const [fieldNo, wireType] = reader.tag();
      const fieldReader = fieldReaders.get(fieldNo);
      if (fieldReader === void 0) {
        const data = reader.skip(wireType, fieldNo, ctx.recursionLimit - ctx.depth);
        if (ctx.readUnknownFields) {
          unknownFields.push({ no: fieldNo, wireType, data });
        }
        continue;
      }
      fieldReader(message, reader, ctx, wireType);
    }
    if (unknownFields.length > 0) {
      message.$unknown = unknownFields;
    }
    ctx.depth--;
  };
}
function compileGroupReader(descString, fieldReaders) {
  return (message, reader, ctx, fieldNo) => {
    var _a;
    if (++ctx.depth > ctx.recursionLimit) {
      throw new Error(\`cannot decode \${descString} from binary: maximum recursion depth of \${ctx.recursionLimit} reached\`);
    }
    let recordFieldNo;
    let wireType;
    const unknownFields = (_a = message.$unknown) !== null && _a !== void 0 ? _a : [];
    while (reader.pos < reader.len) {
      [recordFieldNo, wireType] = reader.tag();
      if (wireType == WireType.EndGroup) {
        break;
      }
      const fieldReader = fieldReaders.get(recordFieldNo);
      if (fieldReader === void 0) {
        const data = reader.skip(wireType, recordFieldNo, ctx.recursionLimit - ctx.depth);
        if (ctx.readUnknownFields) {
          unknownFields.push({ no: recordFieldNo, wireType, data });
        }
        continue;
      }
      fieldReader(message, reader, ctx, wireType);
    }
    if (wireType != WireType.EndGroup || recordFieldNo !== fieldNo) {
      throw new Error("invalid end group tag");
    }
    if (unknownFields.length > 0) {
      message.$unknown = unknownFields;
    }
    ctx.depth--;
  };
}
function compileFieldReader(field) {
  switch (field.fieldKind) {
    case "scalar":
      return compileScalarFieldReader(field);
    case "enum":
      return compileEnumFieldReader(field);
    case "message":
      return compileMessageFieldReader(field);
    case "list":
      return compileListFieldReader(field);
    case "map":
      return compileMapFieldReader(field);
  }
}
function compileScalarFieldReader(field) {
  const readScalar = compileScalarReader(field.scalar, field.utf8Validation, field.longAsString);
  const localName = field.localName;
  if (field.oneof) {
    const oneofLocalName = field.oneof.localName;
    return (message, reader) => {
      message[oneofLocalName] = {
        case: localName,
        value: readScalar(reader)
      };
    };
  }
  return (message, reader) => {
    message[localName] = readScalar(reader);
  };
}
function compileEnumFieldReader(field) {
  var _a;
  const localName = field.localName;
  const oneofLocalName = (_a = field.oneof) === null || _a === void 0 ? void 0 : _a.localName;
  if (field.enum.open) {
    if (oneofLocalName !== void 0) {
      return (message, reader) => {
        message[oneofLocalName] = { case: localName, value: reader.int32() };
      };
    }
    return (message, reader) => {
      message[localName] = reader.int32();
    };
  }
  const values = field.enum.values;
  const fieldNo = field.number;
  return (message, reader, ctx, wireType) => {
    var _a2;
    const val = reader.int32();
    if (values.some((v) => v.number === val)) {
      if (oneofLocalName !== void 0) {
        message[oneofLocalName] = { case: localName, value: val };
      } else {
        message[localName] = val;
      }
    } else if (ctx.readUnknownFields) {
      const bytes = [];
      varint32write(val, bytes);
      const unknownFields = (_a2 = message.$unknown) !== null && _a2 !== void 0 ? _a2 : [];
      unknownFields.push({
        no: fieldNo,
        wireType,
        data: new Uint8Array(bytes)
      });
      message.$unknown = unknownFields;
    }
  };
}
function compileMessageFieldReader(field) {
  const localName = field.localName;
  const { toMessage, toLocal } = localMessageMapper(field);
  const readChild = compileChildReader(field);
  if (field.oneof) {
    const oneofLocalName = field.oneof.localName;
    return (message, reader, ctx) => {
      const oneof = message[oneofLocalName];
      const child = toMessage(oneof.case === localName ? oneof.value : void 0);
      readChild(child, reader, ctx);
      message[oneofLocalName] = { case: localName, value: toLocal(child) };
    };
  }
  return (message, reader, ctx) => {
    const child = toMessage(message[localName]);
    readChild(child, reader, ctx);
    message[localName] = toLocal(child);
  };
}
function compileChildReader(field) {
  const compiledChild = compiledReader(field.message);
  if (field.delimitedEncoding) {
    const fieldNo = field.number;
    return (child, reader, ctx) => compiledChild.readGroup(child, reader, ctx, fieldNo);
  }
  return (child, reader, ctx) => compiledChild.read(child, reader, ctx, reader.uint32());
}
function compileListFieldReader(field) {
  const localName = field.localName;
  if (field.listKind == "message") {
    const { toMessage, toLocal } = localMessageMapper(field);
    const readChild = compileChildReader(field);
    return (message, reader, ctx) => {
      const child = toMessage(void 0);
      readChild(child, reader, ctx);
      message[localName].push(toLocal(child));
    };
  }
  const scalarType = field.listKind == "enum" ? ScalarType.INT32 : field.scalar;
  const longAsString = field.listKind == "scalar" ? field.longAsString : false;
  const readScalar = compileScalarReader(scalarType, field.utf8Validation, longAsString);
  const packedPossible = scalarType != ScalarType.STRING && scalarType != ScalarType.BYTES;
  return (message, reader, ctx, wireType) => {
    const items = message[localName];
    if (wireType == WireType.LengthDelimited && packedPossible) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        items.push(readScalar(reader));
      }
    } else {
      items.push(readScalar(reader));
    }
  };
}
function compileMapFieldReader(field) {
  const localName = field.localName;
  const readKey = compileScalarReader(field.mapKey, field.utf8Validation, false);
  const keyZero = scalarZeroValue(field.mapKey, false);
  let readValue;
  let valueDefault;
  switch (field.mapKind) {
    case "scalar": {
      const scalar = field.scalar;
      const readScalar = compileScalarReader(scalar, field.utf8Validation, false);
      readValue = (reader) => readScalar(reader);
      if (scalar == ScalarType.BYTES) {
        valueDefault = () => new Uint8Array(0);
      } else {
        const zero = scalarZeroValue(scalar, false);
        valueDefault = () => zero;
      }
      break;
    }
    case "enum": {
      const zero = field.enum.values[0].number;
      readValue = (reader) => reader.int32();
      valueDefault = () => zero;
      break;
    }
    case "message": {
      const { toMessage, toLocal } = localMessageMapper(field);
      const readChild = compiledReader(field.message).read;
      readValue = (reader, ctx, existing) => {
        const child = toMessage(existing);
        readChild(child, reader, ctx, reader.uint32());
        return toLocal(child);
      };
      valueDefault = () => toLocal(toMessage(void 0));
      break;
    }
  }
  return (message, reader, ctx) => {
    const record = message[localName];
    let key;
    let val;
    const len = reader.uint32();
    const end = reader.pos + len;
    while (reader.pos < end) {
      const [fieldNo, wireType] = reader.tag();
      switch (fieldNo) {
        case 1:
          key = readKey(reader);
          break;
        case 2:
          val = readValue(reader, ctx, val);
          break;
        default:
          reader.skip(wireType, fieldNo, ctx.recursionLimit - ctx.depth);
      }
    }
    if (key === void 0) {
      key = keyZero;
    }
    if (val === void 0) {
      val = valueDefault();
    }
    setOwn(record, key, val);
  };
}
function compileScalarReader(type, utf8Validation, longAsString) {
  switch (type) {
    case ScalarType.STRING:
      return (reader) => reader.string(utf8Validation);
    case ScalarType.BOOL:
      return (reader) => reader.bool();
    case ScalarType.DOUBLE:
      return (reader) => reader.double();
    case ScalarType.FLOAT:
      return (reader) => reader.float();
    case ScalarType.INT32:
      return (reader) => reader.int32();
    case ScalarType.INT64:
      if (longAsString) {
        return (reader) => String(reader.int64());
      }
      return (reader) => reader.int64();
    case ScalarType.UINT64:
      if (longAsString) {
        return (reader) => String(reader.uint64());
      }
      return (reader) => reader.uint64();
    case ScalarType.FIXED64:
      if (longAsString) {
        return (reader) => String(reader.fixed64());
      }
      return (reader) => reader.fixed64();
    case ScalarType.BYTES:
      return (reader) => reader.bytes();
    case ScalarType.FIXED32:
      return (reader) => reader.fixed32();
    case ScalarType.SFIXED32:
      return (reader) => reader.sfixed32();
    case ScalarType.SFIXED64:
      if (longAsString) {
        return (reader) => String(reader.sfixed64());
      }
      return (reader) => reader.sfixed64();
    case ScalarType.SINT64:
      if (longAsString) {
        return (reader) => String(reader.sint64());
      }
      return (reader) => reader.sint64();
    case ScalarType.UINT32:
      return (reader) => reader.uint32();
    case ScalarType.SINT32:
      return (reader) => reader.sint32();
  }
}

// protobuf:dist/esm/codegenv2/file.js
function fileDesc(b64, imports) {
  var _a;
  const root = fromBinary(FileDescriptorProtoSchema, base64Decode(b64));
  root.messageType.forEach(restoreJsonNames);
  root.dependency = (_a = imports === null || imports === void 0 ? void 0 : imports.map((f) => f.proto.name)) !== null && _a !== void 0 ? _a : [];
  const reg = createEmbeddedFileRegistry(root, (protoFileName) => imports === null || imports === void 0 ? void 0 : imports.find((f) => f.proto.name === protoFileName));
  return reg.getFile(root.name);
}

// protobuf:dist/esm/to-binary.js
var IMPLICIT3 = 2;
var LEGACY_REQUIRED2 = 3;
var writeDefaults = {
  writeUnknownFields: true
};
function makeWriteOptions(options) {
  return options ? Object.assign(Object.assign({}, writeDefaults), options) : writeDefaults;
}
function toBinary(schema, message, options) {
  const writer = new BinaryWriter();
  compiledWriter(schema)(writer, makeWriteOptions(options), message);
  return writer.finish();
}
var compiledWriters = /* @__PURE__ */ new WeakMap();
function compiledWriter(desc) {
  let compiled = compiledWriters.get(desc);
  if (compiled === void 0) {
    compiled = compileMessage2(desc);
  }
  return compiled;
}
function compileMessage2(desc) {
  const typeName = desc.typeName;
  const sortedFields = desc.fields.concat().sort((a, b) => a.number - b.number);
  const foreignField = sortedFields[0];
  const fieldWriters = [];
  const compiled = (writer, opts, message) => {
    if (message.$typeName !== typeName && foreignField !== void 0) {
      throw new FieldError(foreignField, \`cannot use \${foreignField} with message \${message.$typeName}\`, "ForeignFieldError");
    }
    for (let i = 0; i < fieldWriters.length; i++) {
      fieldWriters[i](writer, opts, message);
    }
    const unknown = message.$unknown;
    if (unknown !== void 0 && opts.writeUnknownFields) {
      for (let i = 0; i < unknown.length; i++) {
        const { no, wireType, data } = unknown[i];
        writer.tag(no, wireType).raw(data);
      }
    }
  };
  compiledWriters.set(desc, compiled);
  for (const field of sortedFields) {
    fieldWriters.push(compileField(field));
  }
  return compiled;
}
function compileField(field) {
  switch (field.fieldKind) {
    case "message":
    case "scalar":
    case "enum":
      return compileSingularField(field);
    case "list":
      return compileListField(field);
    case "map":
      return compileMapField(field);
  }
}
function compileSingularField(field) {
  const writeValue = compileSingularValue(field);
  const localName = field.localName;
  if (field.oneof) {
    const oneofLocalName = field.oneof.localName;
    return (writer, opts, message) => {
      const oneof = message[oneofLocalName];
      if (oneof.case === localName) {
        writeValue(writer, opts, oneof.value);
      }
    };
  }
  if (field.presence != IMPLICIT3) {
    const requiredError = field.presence == LEGACY_REQUIRED2 ? \`cannot encode \${field} to binary: required field not set\` : void 0;
    return (writer, opts, message) => {
      const value = message[localName];
      if (value !== void 0 && Object.prototype.hasOwnProperty.call(message, localName)) {
        writeValue(writer, opts, value);
      } else if (requiredError !== void 0) {
        throw new Error(requiredError);
      }
    };
  }
  if (field.fieldKind == "enum") {
    const zero = field.enum.values[0].number;
    return (writer, opts, message) => {
      const value = message[localName];
      if (value !== zero) {
        writeValue(writer, opts, value);
      }
    };
  }
  switch (field.scalar) {
    case ScalarType.BOOL:
      return (writer, opts, message) => {
        const value = message[localName];
        if (value !== false) {
          writeValue(writer, opts, value);
        }
      };
    case ScalarType.STRING:
      return (writer, opts, message) => {
        const value = message[localName];
        if (value !== "") {
          writeValue(writer, opts, value);
        }
      };
    case ScalarType.BYTES:
      return (writer, opts, message) => {
        const value = message[localName];
        if (!(value instanceof Uint8Array) || value.byteLength > 0) {
          writeValue(writer, opts, value);
        }
      };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (writer, opts, message) => {
        const value = message[localName];
        if (!Object.is(value, 0)) {
          writeValue(writer, opts, value);
        }
      };
    default:
      return (writer, opts, message) => {
        const value = message[localName];
        if (value != 0) {
          writeValue(writer, opts, value);
        }
      };
  }
}
function compileSingularValue(field) {
  switch (field.fieldKind) {
    case "message": {
      const { toMessage } = localMessageMapper(field);
      const writeChild = compileChildWriter(field);
      return (writer, opts, value) => {
        writeChild(writer, opts, toMessage(value));
      };
    }
    case "scalar":
    case "enum": {
      const scalarType = field.fieldKind == "enum" ? ScalarType.INT32 : field.scalar;
      const fieldNo = field.number;
      const wireType = writeTypeOfScalar(scalarType);
      const writeScalar = compileScalarValue(scalarType, field.parent.typeName, field.name);
      return (writer, opts, value) => {
        writer.tag(fieldNo, wireType);
        writeScalar(writer, value);
      };
    }
  }
}
function compileListField(field) {
  const localName = field.localName;
  const fieldNo = field.number;
  switch (field.listKind) {
    case "message": {
      const { toMessage } = localMessageMapper(field);
      const writeChild = compileChildWriter(field);
      return (writer, opts, message) => {
        const items = message[localName];
        for (let i = 0; i < items.length; i++) {
          writeChild(writer, opts, toMessage(items[i]));
        }
      };
    }
    case "scalar":
    case "enum": {
      const scalarType = field.listKind == "enum" ? ScalarType.INT32 : field.scalar;
      const writeScalar = compileScalarValue(scalarType, field.parent.typeName, field.name);
      if (field.packed) {
        return (writer, opts, message) => {
          const items = message[localName];
          if (items.length == 0) {
            return;
          }
          writer.tag(fieldNo, WireType.LengthDelimited).fork();
          for (let i = 0; i < items.length; i++) {
            writeScalar(writer, items[i]);
          }
          writer.join();
        };
      }
      const wireType = writeTypeOfScalar(scalarType);
      return (writer, opts, message) => {
        const items = message[localName];
        for (let i = 0; i < items.length; i++) {
          writer.tag(fieldNo, wireType);
          writeScalar(writer, items[i]);
        }
      };
    }
  }
}
function compileMapField(field) {
  const localName = field.localName;
  const fieldNo = field.number;
  const writeKey = compileMapKey(field);
  if (field.mapKind == "message") {
    const { toMessage } = localMessageMapper(field);
    const writeMessage = compiledWriter(field.message);
    return (writer, opts, message) => {
      const record = message[localName];
      const keys = Object.keys(record);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        writer.tag(fieldNo, WireType.LengthDelimited).fork();
        writeKey(writer, key);
        writer.tag(2, WireType.LengthDelimited).fork();
        writeMessage(writer, opts, toMessage(record[key]));
        writer.join();
        writer.join();
      }
    };
  }
  const scalarType = field.mapKind == "enum" ? ScalarType.INT32 : field.scalar;
  const valueWireType = writeTypeOfScalar(scalarType);
  const writeScalar = compileScalarValue(scalarType, field.parent.typeName, field.name);
  return (writer, opts, message) => {
    const record = message[localName];
    const keys = Object.keys(record);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      writer.tag(fieldNo, WireType.LengthDelimited).fork();
      writeKey(writer, key);
      writer.tag(2, valueWireType);
      writeScalar(writer, record[key]);
      writer.join();
    }
  };
}
function compileMapKey(field) {
  const wireType = writeTypeOfScalar(field.mapKey);
  const writeScalar = compileScalarValue(field.mapKey, field.parent.typeName, field.name);
  const convertKey = compileMapKeyConverter(field.mapKey);
  return (writer, key) => {
    writer.tag(1, wireType);
    writeScalar(writer, convertKey(key));
  };
}
function compileMapKeyConverter(type) {
  switch (type) {
    case ScalarType.STRING:
      return (key) => key;
    case ScalarType.BOOL:
      return (key) => key === "true" ? true : key === "false" ? false : key;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (key) => {
        try {
          return protoInt64.uParse(key);
        } catch (_a) {
          return key;
        }
      };
    case ScalarType.INT64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return (key) => {
        try {
          return protoInt64.parse(key);
        } catch (_a) {
          return key;
        }
      };
    default:
      return (key) => {
        const n = Number.parseInt(key);
        return Number.isFinite(n) ? n : key;
      };
  }
}
function compileScalarValue(type, messageName, fieldName) {
  const writeScalar = compileScalarWrite(type);
  return (writer, value) => {
    try {
      writeScalar(writer, value);
    } catch (e) {
      if (e instanceof Error) {
        throw new Error(\`cannot encode field \${messageName}.\${fieldName} to binary: \${e.message}\`);
      }
      throw e;
    }
  };
}
function compileScalarWrite(type) {
  switch (type) {
    case ScalarType.STRING:
      return (writer, value) => writer.string(value);
    case ScalarType.BOOL:
      return (writer, value) => writer.bool(value);
    case ScalarType.DOUBLE:
      return (writer, value) => writer.double(value);
    case ScalarType.FLOAT:
      return (writer, value) => writer.float(value);
    case ScalarType.INT32:
      return (writer, value) => writer.int32(value);
    case ScalarType.INT64:
      return (writer, value) => writer.int64(value);
    case ScalarType.UINT64:
      return (writer, value) => writer.uint64(value);
    case ScalarType.FIXED64:
      return (writer, value) => writer.fixed64(value);
    case ScalarType.BYTES:
      return (writer, value) => writer.bytes(value);
    case ScalarType.FIXED32:
      return (writer, value) => writer.fixed32(value);
    case ScalarType.SFIXED32:
      return (writer, value) => writer.sfixed32(value);
    case ScalarType.SFIXED64:
      return (writer, value) => writer.sfixed64(value);
    case ScalarType.SINT64:
      return (writer, value) => writer.sint64(value);
    case ScalarType.UINT32:
      return (writer, value) => writer.uint32(value);
    case ScalarType.SINT32:
      return (writer, value) => writer.sint32(value);
  }
}
function compileChildWriter(field) {
  const fieldNo = field.number;
  const writeMessage = compiledWriter(field.message);
  if (field.delimitedEncoding) {
    return (writer, opts, child) => {
      writer.tag(fieldNo, WireType.StartGroup);
      writeMessage(writer, opts, child);
      writer.tag(fieldNo, WireType.EndGroup);
    };
  }
  return (writer, opts, child) => {
    writer.tag(fieldNo, WireType.LengthDelimited).fork();
    writeMessage(writer, opts, child);
    writer.join();
  };
}
function writeTypeOfScalar(type) {
  switch (type) {
    case ScalarType.BYTES:
    case ScalarType.STRING:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
    case ScalarType.FLOAT:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

// protobuf:dist/esm/wkt/google/protobuf/type_pb.js
var Field_Kind;
(function(Field_Kind2) {
  Field_Kind2[Field_Kind2["TYPE_UNKNOWN"] = 0] = "TYPE_UNKNOWN";
  Field_Kind2[Field_Kind2["TYPE_DOUBLE"] = 1] = "TYPE_DOUBLE";
  Field_Kind2[Field_Kind2["TYPE_FLOAT"] = 2] = "TYPE_FLOAT";
  Field_Kind2[Field_Kind2["TYPE_INT64"] = 3] = "TYPE_INT64";
  Field_Kind2[Field_Kind2["TYPE_UINT64"] = 4] = "TYPE_UINT64";
  Field_Kind2[Field_Kind2["TYPE_INT32"] = 5] = "TYPE_INT32";
  Field_Kind2[Field_Kind2["TYPE_FIXED64"] = 6] = "TYPE_FIXED64";
  Field_Kind2[Field_Kind2["TYPE_FIXED32"] = 7] = "TYPE_FIXED32";
  Field_Kind2[Field_Kind2["TYPE_BOOL"] = 8] = "TYPE_BOOL";
  Field_Kind2[Field_Kind2["TYPE_STRING"] = 9] = "TYPE_STRING";
  Field_Kind2[Field_Kind2["TYPE_GROUP"] = 10] = "TYPE_GROUP";
  Field_Kind2[Field_Kind2["TYPE_MESSAGE"] = 11] = "TYPE_MESSAGE";
  Field_Kind2[Field_Kind2["TYPE_BYTES"] = 12] = "TYPE_BYTES";
  Field_Kind2[Field_Kind2["TYPE_UINT32"] = 13] = "TYPE_UINT32";
  Field_Kind2[Field_Kind2["TYPE_ENUM"] = 14] = "TYPE_ENUM";
  Field_Kind2[Field_Kind2["TYPE_SFIXED32"] = 15] = "TYPE_SFIXED32";
  Field_Kind2[Field_Kind2["TYPE_SFIXED64"] = 16] = "TYPE_SFIXED64";
  Field_Kind2[Field_Kind2["TYPE_SINT32"] = 17] = "TYPE_SINT32";
  Field_Kind2[Field_Kind2["TYPE_SINT64"] = 18] = "TYPE_SINT64";
})(Field_Kind || (Field_Kind = {}));
var Field_Cardinality;
(function(Field_Cardinality2) {
  Field_Cardinality2[Field_Cardinality2["UNKNOWN"] = 0] = "UNKNOWN";
  Field_Cardinality2[Field_Cardinality2["OPTIONAL"] = 1] = "OPTIONAL";
  Field_Cardinality2[Field_Cardinality2["REQUIRED"] = 2] = "REQUIRED";
  Field_Cardinality2[Field_Cardinality2["REPEATED"] = 3] = "REPEATED";
})(Field_Cardinality || (Field_Cardinality = {}));
var Syntax;
(function(Syntax2) {
  Syntax2[Syntax2["PROTO2"] = 0] = "PROTO2";
  Syntax2[Syntax2["PROTO3"] = 1] = "PROTO3";
  Syntax2[Syntax2["EDITIONS"] = 2] = "EDITIONS";
})(Syntax || (Syntax = {}));

// protobuf:dist/esm/wkt/google/protobuf/cpp_features_pb.js
var CppFeatures_StringType;
(function(CppFeatures_StringType2) {
  CppFeatures_StringType2[CppFeatures_StringType2["STRING_TYPE_UNKNOWN"] = 0] = "STRING_TYPE_UNKNOWN";
  CppFeatures_StringType2[CppFeatures_StringType2["VIEW"] = 1] = "VIEW";
  CppFeatures_StringType2[CppFeatures_StringType2["CORD"] = 2] = "CORD";
  CppFeatures_StringType2[CppFeatures_StringType2["STRING"] = 3] = "STRING";
})(CppFeatures_StringType || (CppFeatures_StringType = {}));
var CppFeatures_RepeatedType;
(function(CppFeatures_RepeatedType2) {
  CppFeatures_RepeatedType2[CppFeatures_RepeatedType2["REPEATED_TYPE_UNKNOWN"] = 0] = "REPEATED_TYPE_UNKNOWN";
  CppFeatures_RepeatedType2[CppFeatures_RepeatedType2["LEGACY"] = 1] = "LEGACY";
  CppFeatures_RepeatedType2[CppFeatures_RepeatedType2["PROXY"] = 2] = "PROXY";
})(CppFeatures_RepeatedType || (CppFeatures_RepeatedType = {}));

// protobuf:dist/esm/wkt/google/protobuf/go_features_pb.js
var GoFeatures_OptimizeModeFeature_OptimizeMode;
(function(GoFeatures_OptimizeModeFeature_OptimizeMode2) {
  GoFeatures_OptimizeModeFeature_OptimizeMode2[GoFeatures_OptimizeModeFeature_OptimizeMode2["OPTIMIZE_MODE_UNSPECIFIED"] = 0] = "OPTIMIZE_MODE_UNSPECIFIED";
  GoFeatures_OptimizeModeFeature_OptimizeMode2[GoFeatures_OptimizeModeFeature_OptimizeMode2["SPEED"] = 1] = "SPEED";
  GoFeatures_OptimizeModeFeature_OptimizeMode2[GoFeatures_OptimizeModeFeature_OptimizeMode2["CODE_SIZE"] = 2] = "CODE_SIZE";
})(GoFeatures_OptimizeModeFeature_OptimizeMode || (GoFeatures_OptimizeModeFeature_OptimizeMode = {}));
var GoFeatures_APILevel;
(function(GoFeatures_APILevel2) {
  GoFeatures_APILevel2[GoFeatures_APILevel2["API_LEVEL_UNSPECIFIED"] = 0] = "API_LEVEL_UNSPECIFIED";
  GoFeatures_APILevel2[GoFeatures_APILevel2["API_OPEN"] = 1] = "API_OPEN";
  GoFeatures_APILevel2[GoFeatures_APILevel2["API_HYBRID"] = 2] = "API_HYBRID";
  GoFeatures_APILevel2[GoFeatures_APILevel2["API_OPAQUE"] = 3] = "API_OPAQUE";
})(GoFeatures_APILevel || (GoFeatures_APILevel = {}));
var GoFeatures_StripEnumPrefix;
(function(GoFeatures_StripEnumPrefix2) {
  GoFeatures_StripEnumPrefix2[GoFeatures_StripEnumPrefix2["UNSPECIFIED"] = 0] = "UNSPECIFIED";
  GoFeatures_StripEnumPrefix2[GoFeatures_StripEnumPrefix2["KEEP"] = 1] = "KEEP";
  GoFeatures_StripEnumPrefix2[GoFeatures_StripEnumPrefix2["GENERATE_BOTH"] = 2] = "GENERATE_BOTH";
  GoFeatures_StripEnumPrefix2[GoFeatures_StripEnumPrefix2["STRIP"] = 3] = "STRIP";
})(GoFeatures_StripEnumPrefix || (GoFeatures_StripEnumPrefix = {}));

// protobuf:dist/esm/wkt/google/protobuf/java_features_pb.js
var JavaFeatures_NestInFileClassFeature_NestInFileClass;
(function(JavaFeatures_NestInFileClassFeature_NestInFileClass2) {
  JavaFeatures_NestInFileClassFeature_NestInFileClass2[JavaFeatures_NestInFileClassFeature_NestInFileClass2["NEST_IN_FILE_CLASS_UNKNOWN"] = 0] = "NEST_IN_FILE_CLASS_UNKNOWN";
  JavaFeatures_NestInFileClassFeature_NestInFileClass2[JavaFeatures_NestInFileClassFeature_NestInFileClass2["NO"] = 1] = "NO";
  JavaFeatures_NestInFileClassFeature_NestInFileClass2[JavaFeatures_NestInFileClassFeature_NestInFileClass2["YES"] = 2] = "YES";
  JavaFeatures_NestInFileClassFeature_NestInFileClass2[JavaFeatures_NestInFileClassFeature_NestInFileClass2["LEGACY"] = 3] = "LEGACY";
})(JavaFeatures_NestInFileClassFeature_NestInFileClass || (JavaFeatures_NestInFileClassFeature_NestInFileClass = {}));
var JavaFeatures_Utf8Validation;
(function(JavaFeatures_Utf8Validation2) {
  JavaFeatures_Utf8Validation2[JavaFeatures_Utf8Validation2["UTF8_VALIDATION_UNKNOWN"] = 0] = "UTF8_VALIDATION_UNKNOWN";
  JavaFeatures_Utf8Validation2[JavaFeatures_Utf8Validation2["DEFAULT"] = 1] = "DEFAULT";
  JavaFeatures_Utf8Validation2[JavaFeatures_Utf8Validation2["VERIFY"] = 2] = "VERIFY";
})(JavaFeatures_Utf8Validation || (JavaFeatures_Utf8Validation = {}));

// protobuf:dist/esm/wkt/google/protobuf/struct_pb.js
var NullValue;
(function(NullValue2) {
  NullValue2[NullValue2["NULL_VALUE"] = 0] = "NULL_VALUE";
})(NullValue || (NullValue = {}));

// protobuf:dist/esm/wkt/google/protobuf/compiler/plugin_pb.js
var CodeGeneratorResponse_Feature;
(function(CodeGeneratorResponse_Feature2) {
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["NONE"] = 0] = "NONE";
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["PROTO3_OPTIONAL"] = 1] = "PROTO3_OPTIONAL";
  CodeGeneratorResponse_Feature2[CodeGeneratorResponse_Feature2["SUPPORTS_EDITIONS"] = 2] = "SUPPORTS_EDITIONS";
})(CodeGeneratorResponse_Feature || (CodeGeneratorResponse_Feature = {}));

// protobuf:dist/esm/wire/size-delimited.js
var defaultReadMaxBytes = 64 * 1024 * 1024;

// protobuf:dist/esm/codegenv2/symbols.js
var packageName = "@bufbuild/protobuf";
var legacyWktBarrel = packageName + "/wkt";
var wktPublicImportPaths = {
  "google/protobuf/compiler/plugin.proto": legacyWktBarrel,
  "google/protobuf/any.proto": legacyWktBarrel,
  "google/protobuf/api.proto": packageName + "/wkt/google/protobuf/api_pb.js",
  "google/protobuf/c_sharp_features.proto": packageName + "/wkt/google/protobuf/c_sharp_features_pb.js",
  "google/protobuf/cpp_features.proto": packageName + "/wkt/google/protobuf/cpp_features_pb.js",
  "google/protobuf/cpp_file_options.proto": packageName + "/wkt/google/protobuf/cpp_file_options_pb.js",
  "google/protobuf/cpp_options.proto": packageName + "/wkt/google/protobuf/cpp_options_pb.js",
  "google/protobuf/descriptor.proto": legacyWktBarrel,
  "google/protobuf/duration.proto": legacyWktBarrel,
  "google/protobuf/empty.proto": legacyWktBarrel,
  "google/protobuf/field_mask.proto": legacyWktBarrel,
  "google/protobuf/go_features.proto": packageName + "/wkt/google/protobuf/go_features_pb.js",
  "google/protobuf/java_features.proto": packageName + "/wkt/google/protobuf/java_features_pb.js",
  "google/protobuf/json_enumvalue_options.proto": packageName + "/wkt/google/protobuf/json_enumvalue_options_pb.js",
  "google/protobuf/json_options.proto": packageName + "/wkt/google/protobuf/json_options_pb.js",
  "google/protobuf/source_context.proto": packageName + "/wkt/google/protobuf/source_context_pb.js",
  "google/protobuf/struct.proto": legacyWktBarrel,
  "google/protobuf/timestamp.proto": legacyWktBarrel,
  "google/protobuf/type.proto": packageName + "/wkt/google/protobuf/type_pb.js",
  "google/protobuf/wrappers.proto": legacyWktBarrel
};
var symbols = {
  isMessage: { typeOnly: false, bootstrapWktFrom: "../is-message.js", from: packageName },
  Message: { typeOnly: true, bootstrapWktFrom: "../types.js", from: packageName },
  create: { typeOnly: false, bootstrapWktFrom: "../create.js", from: packageName },
  fromJson: { typeOnly: false, bootstrapWktFrom: "../from-json.js", from: packageName },
  fromJsonString: { typeOnly: false, bootstrapWktFrom: "../from-json.js", from: packageName },
  fromBinary: { typeOnly: false, bootstrapWktFrom: "../from-binary.js", from: packageName },
  toBinary: { typeOnly: false, bootstrapWktFrom: "../to-binary.js", from: packageName },
  toJson: { typeOnly: false, bootstrapWktFrom: "../to-json.js", from: packageName },
  toJsonString: { typeOnly: false, bootstrapWktFrom: "../to-json.js", from: packageName },
  protoInt64: { typeOnly: false, bootstrapWktFrom: "../proto-int64.js", from: packageName },
  JsonValue: { typeOnly: true, bootstrapWktFrom: "../json-value.js", from: packageName },
  JsonObject: { typeOnly: true, bootstrapWktFrom: "../json-value.js", from: packageName },
  UnknownEnum: { typeOnly: true, bootstrapWktFrom: "../types.js", from: packageName },
  codegen: {
    boot: { typeOnly: false, bootstrapWktFrom: "../codegenv2/boot.js", from: packageName + "/codegenv2" },
    fileDesc: { typeOnly: false, bootstrapWktFrom: "../codegenv2/file.js", from: packageName + "/codegenv2" },
    enumDesc: { typeOnly: false, bootstrapWktFrom: "../codegenv2/enum.js", from: packageName + "/codegenv2" },
    extDesc: { typeOnly: false, bootstrapWktFrom: "../codegenv2/extension.js", from: packageName + "/codegenv2" },
    messageDesc: { typeOnly: false, bootstrapWktFrom: "../codegenv2/message.js", from: packageName + "/codegenv2" },
    serviceDesc: { typeOnly: false, bootstrapWktFrom: "../codegenv2/service.js", from: packageName + "/codegenv2" },
    tsEnum: { typeOnly: false, bootstrapWktFrom: "../codegenv2/enum.js", from: packageName + "/codegenv2" },
    objEnum: { typeOnly: false, bootstrapWktFrom: "../codegenv2/enum.js", from: packageName + "/codegenv2" },
    GenFile: { typeOnly: true, bootstrapWktFrom: "../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenEnum: { typeOnly: true, bootstrapWktFrom: "../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenExtension: { typeOnly: true, bootstrapWktFrom: "../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenMessage: { typeOnly: true, bootstrapWktFrom: "../codegenv2/types.js", from: packageName + "/codegenv2" },
    GenService: { typeOnly: true, bootstrapWktFrom: "../codegenv2/types.js", from: packageName + "/codegenv2" }
  }
};

// trellis:proto/gen/flwr/proto/recorddict_pb.ts
var file_flwr_proto_recorddict = /* @__PURE__ */ fileDesc("ChtmbHdyL3Byb3RvL3JlY29yZGRpY3QucHJvdG8SCmZsd3IucHJvdG8iGgoKRG91YmxlTGlzdBIMCgR2YWxzGAEgAygBIhgKCFNpbnRMaXN0EgwKBHZhbHMYASADKBIiGAoIVWludExpc3QSDAoEdmFscxgBIAMoBCIYCghCb29sTGlzdBIMCgR2YWxzGAEgAygIIhoKClN0cmluZ0xpc3QSDAoEdmFscxgBIAMoCSIZCglCeXRlc0xpc3QSDAoEdmFscxgBIAMoDCJCCgVBcnJheRINCgVkdHlwZRgBIAEoCRINCgVzaGFwZRgCIAMoBRINCgVzdHlwZRgDIAEoCRIMCgRkYXRhGAQgASgMItcBChFNZXRyaWNSZWNvcmRWYWx1ZRIQCgZkb3VibGUYASABKAFIABIQCgZzaW50NjQYAiABKBJIABIQCgZ1aW50NjQYAyABKARIABItCgtkb3VibGVfbGlzdBgVIAEoCzIWLmZsd3IucHJvdG8uRG91YmxlTGlzdEgAEikKCXNpbnRfbGlzdBgWIAEoCzIULmZsd3IucHJvdG8uU2ludExpc3RIABIpCgl1aW50X2xpc3QYFyABKAsyFC5mbHdyLnByb3RvLlVpbnRMaXN0SABCBwoFdmFsdWUikQMKEUNvbmZpZ1JlY29yZFZhbHVlEhAKBmRvdWJsZRgBIAEoAUgAEhAKBnNpbnQ2NBgCIAEoEkgAEhAKBnVpbnQ2NBgDIAEoBEgAEg4KBGJvb2wYBCABKAhIABIQCgZzdHJpbmcYBSABKAlIABIPCgVieXRlcxgGIAEoDEgAEi0KC2RvdWJsZV9saXN0GBUgASgLMhYuZmx3ci5wcm90by5Eb3VibGVMaXN0SAASKQoJc2ludF9saXN0GBYgASgLMhQuZmx3ci5wcm90by5TaW50TGlzdEgAEikKCXVpbnRfbGlzdBgXIAEoCzIULmZsd3IucHJvdG8uVWludExpc3RIABIpCglib29sX2xpc3QYGCABKAsyFC5mbHdyLnByb3RvLkJvb2xMaXN0SAASLQoLc3RyaW5nX2xpc3QYGSABKAsyFi5mbHdyLnByb3RvLlN0cmluZ0xpc3RIABIrCgpieXRlc19saXN0GBogASgLMhUuZmx3ci5wcm90by5CeXRlc0xpc3RIAEIHCgV2YWx1ZSJxCgtBcnJheVJlY29yZBIrCgVpdGVtcxgBIAMoCzIcLmZsd3IucHJvdG8uQXJyYXlSZWNvcmQuSXRlbRo1CgRJdGVtEgsKA2tleRgBIAEoCRIgCgV2YWx1ZRgCIAEoCzIRLmZsd3IucHJvdG8uQXJyYXkifwoMTWV0cmljUmVjb3JkEiwKBWl0ZW1zGAEgAygLMh0uZmx3ci5wcm90by5NZXRyaWNSZWNvcmQuSXRlbRpBCgRJdGVtEgsKA2tleRgBIAEoCRIsCgV2YWx1ZRgCIAEoCzIdLmZsd3IucHJvdG8uTWV0cmljUmVjb3JkVmFsdWUifwoMQ29uZmlnUmVjb3JkEiwKBWl0ZW1zGAEgAygLMh0uZmx3ci5wcm90by5Db25maWdSZWNvcmQuSXRlbRpBCgRJdGVtEgsKA2tleRgBIAEoCRIsCgV2YWx1ZRgCIAEoCzIdLmZsd3IucHJvdG8uQ29uZmlnUmVjb3JkVmFsdWUi7gEKClJlY29yZERpY3QSKgoFaXRlbXMYASADKAsyGy5mbHdyLnByb3RvLlJlY29yZERpY3QuSXRlbRqzAQoESXRlbRILCgNrZXkYASABKAkSLwoMYXJyYXlfcmVjb3JkGAIgASgLMhcuZmx3ci5wcm90by5BcnJheVJlY29yZEgAEjEKDW1ldHJpY19yZWNvcmQYAyABKAsyGC5mbHdyLnByb3RvLk1ldHJpY1JlY29yZEgAEjEKDWNvbmZpZ19yZWNvcmQYBCABKAsyGC5mbHdyLnByb3RvLkNvbmZpZ1JlY29yZEgAQgcKBXZhbHVlYgZwcm90bzM");
var DoubleListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 0);
var SintListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 1);
var UintListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 2);
var BoolListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 3);
var StringListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 4);
var BytesListSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 5);
var ArraySchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 6);
var ArrayRecordSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 9);
var MetricRecordSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 10);
var ConfigRecordSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 11);
var RecordDictSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_recorddict, 12);

// trellis:records/dtype.ts
var LAYOUTS = [
  {
    dtype: "float32",
    descr: "<f4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "float32", shape, data: new Float32Array(b, o, n) })
  },
  {
    dtype: "float64",
    descr: "<f8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "float64", shape, data: new Float64Array(b, o, n) })
  },
  {
    dtype: "float16",
    descr: "<f2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "float16", shape, data: new Float16Array(b, o, n) })
  },
  {
    dtype: "int64",
    descr: "<i8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "int64", shape, data: new BigInt64Array(b, o, n) })
  },
  {
    dtype: "int32",
    descr: "<i4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "int32", shape, data: new Int32Array(b, o, n) })
  },
  {
    dtype: "int16",
    descr: "<i2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "int16", shape, data: new Int16Array(b, o, n) })
  },
  {
    dtype: "int8",
    descr: "|i1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "int8", shape, data: new Int8Array(b, o, n) })
  },
  {
    dtype: "uint8",
    descr: "|u1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "uint8", shape, data: new Uint8Array(b, o, n) })
  },
  {
    dtype: "uint16",
    descr: "<u2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "uint16", shape, data: new Uint16Array(b, o, n) })
  },
  {
    dtype: "uint32",
    descr: "<u4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "uint32", shape, data: new Uint32Array(b, o, n) })
  },
  {
    dtype: "uint64",
    descr: "<u8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "uint64", shape, data: new BigUint64Array(b, o, n) })
  },
  {
    dtype: "bool",
    descr: "|b1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "bool", shape, data: new Uint8Array(b, o, n) })
  }
];
var BY_DTYPE = new Map(LAYOUTS.map((layout) => [layout.dtype, layout]));
var BY_DESCR = new Map(LAYOUTS.map((layout) => [layout.descr, layout]));
function layoutOf(dtype) {
  const layout = BY_DTYPE.get(dtype);
  if (layout === void 0) throw new TypeError(\`The dtype '\${dtype}' is not supported.\`);
  return layout;
}
function parseDescr(descr) {
  const layout = BY_DESCR.get(descr);
  if (layout !== void 0) return { layout, bigEndian: false };
  const swapped = descr.startsWith(">") ? BY_DESCR.get(\`<\${descr.slice(1)}\`) : void 0;
  return swapped && { layout: swapped, bigEndian: true };
}

// trellis:records/record_error.ts
var RecordError = class extends Error {
  name = "RecordError";
};

// trellis:records/ndarray.ts
var MAX_AXES = 64;
function elementCount(shape) {
  if (shape.length > MAX_AXES) {
    throw new RecordError(\`A shape has \${shape.length} axes, \${MAX_AXES} is the most.\`);
  }
  let count = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) {
      throw new RecordError(\`The shape (\${shape.join(", ")}) has an axis that is no length.\`);
    }
    count *= axis;
  }
  if (!Number.isSafeInteger(count)) {
    throw new RecordError(\`The shape (\${shape.join(", ")}) has too many elements.\`);
  }
  return count;
}
function ndArray(data, shape = [data.length]) {
  if (elementCount(shape) !== data.length) {
    throw new RecordError(
      \`The shape (\${shape.join(", ")}) does not have \${data.length} elements.\`
    );
  }
  if (data instanceof Float32Array) return { dtype: "float32", shape, data };
  if (data instanceof Float64Array) return { dtype: "float64", shape, data };
  if (data instanceof Float16Array) return { dtype: "float16", shape, data };
  if (data instanceof BigInt64Array) return { dtype: "int64", shape, data };
  if (data instanceof Int32Array) return { dtype: "int32", shape, data };
  if (data instanceof Int16Array) return { dtype: "int16", shape, data };
  if (data instanceof Int8Array) return { dtype: "int8", shape, data };
  if (data instanceof BigUint64Array) return { dtype: "uint64", shape, data };
  if (data instanceof Uint32Array) return { dtype: "uint32", shape, data };
  if (data instanceof Uint16Array) return { dtype: "uint16", shape, data };
  return { dtype: "uint8", shape, data };
}

// trellis:records/npy_header.ts
var MAGIC = [147, 78, 85, 77, 80, 89];
var PREAMBLE_BYTES = 10;
var ALIGNMENT_BYTES = 64;
var GROWTH_AXIS_DIGITS = 21;
var MAX_HEADER_BYTES = 1e4;
function encodeNpyHeader(descr, shape) {
  const tuple = shape.length === 1 ? \`(\${shape[0]},)\` : \`(\${shape.join(", ")})\`;
  let text = \`{'descr': '\${descr}', 'fortran_order': False, 'shape': \${tuple}, }\`;
  const [growthAxis] = shape;
  if (growthAxis !== void 0) {
    text += " ".repeat(GROWTH_AXIS_DIGITS - String(growthAxis).length);
  }
  const used = PREAMBLE_BYTES + text.length + 1;
  text += " ".repeat(ALIGNMENT_BYTES - used % ALIGNMENT_BYTES) + "\\n";
  const header = new Uint8Array(PREAMBLE_BYTES + text.length);
  header.set([...MAGIC, 1, 0, text.length & 255, text.length >> 8]);
  for (let at = 0; at < text.length; at++) header[PREAMBLE_BYTES + at] = text.charCodeAt(at);
  return header;
}
function parseNpyHeader(bytes) {
  if (bytes.length < PREAMBLE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new RecordError("The array's data is not an .npy file.");
  }
  const [major = 0, minor = 0, low = 0, high = 0] = bytes.subarray(MAGIC.length);
  if (major !== 1 || minor !== 0) {
    throw new RecordError(
      \`The array's .npy file has the format \${major}.\${minor}, only 1.0 can be read.\`
    );
  }
  const headerBytes = low + 256 * high;
  const dataOffset = PREAMBLE_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataOffset > bytes.length) {
    throw new RecordError(
      \`The array's .npy header says that it has \${headerBytes} bytes; \${bytes.length - PREAMBLE_BYTES} are there, \${MAX_HEADER_BYTES} is the most.\`
    );
  }
  const text = String.fromCharCode(...bytes.subarray(PREAMBLE_BYTES, dataOffset));
  return { ...parseDictionary(text), dataOffset };
}
var TOKEN = /[ \\t\\n]*(?:'([^'\\\\]*)'|"([^"\\\\]*)"|([A-Za-z]+)|([0-9]{1,16})(?![0-9])|([{}():,]))/y;
function parseDictionary(text) {
  const malformed = () => new RecordError("The array's .npy header is not as NumPy writes it.");
  let at = 0;
  const next = () => {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw malformed();
    at = TOKEN.lastIndex;
    const string = match[1] ?? match[2];
    return string === void 0 ? match[3] ?? match[4] ?? match[5] ?? "" : \`'\${string}\`;
  };
  const expect = (token) => {
    if (next() !== token) throw malformed();
  };
  let descr;
  let fortranOrder;
  let shape;
  expect("{");
  for (let token = next(); token !== "}"; ) {
    expect(":");
    if (token === "'descr" && descr === void 0) {
      const value = next();
      if (!value.startsWith("'")) throw malformed();
      descr = value.slice(1);
    } else if (token === "'fortran_order" && fortranOrder === void 0) {
      const value = next();
      if (value !== "True" && value !== "False") throw malformed();
      fortranOrder = value === "True";
    } else if (token === "'shape" && shape === void 0) {
      shape = parseTuple(next, malformed);
    } else {
      throw malformed();
    }
    token = next();
    if (token === ",") token = next();
    else if (token !== "}") throw malformed();
  }
  if (descr === void 0 || fortranOrder === void 0 || shape === void 0) throw malformed();
  if (text.slice(at).trim() !== "") throw malformed();
  return { descr, fortranOrder, shape };
}
function parseTuple(next, malformed) {
  const items = [];
  if (next() !== "(") throw malformed();
  let token = next();
  while (token !== ")") {
    if (!/^[0-9]+$/.test(token)) throw malformed();
    items.push(Number(token));
    token = next();
    if (token === ",") token = next();
    else if (token !== ")" || items.length === 1) throw malformed();
  }
  return items;
}

// trellis:records/npy.ts
function encodeNpy(array) {
  const { descr } = layoutOf(array.dtype);
  if (elementCount(array.shape) !== array.data.length) {
    throw new RecordError(
      \`The shape (\${array.shape.join(", ")}) does not have \${array.data.length} elements.\`
    );
  }
  const header = encodeNpyHeader(descr, array.shape);
  const { buffer, byteOffset, byteLength } = array.data;
  const file = new Uint8Array(header.length + byteLength);
  file.set(header);
  file.set(new Uint8Array(buffer, byteOffset, byteLength), header.length);
  return file;
}
function decodeNpy(file) {
  const { descr, fortranOrder, shape, dataOffset } = parseNpyHeader(file);
  const parsed = parseDescr(descr);
  if (parsed === void 0) {
    throw new RecordError(
      \`The array has the dtype '\${descr.slice(0, 32)}', which is not supported.\`
    );
  }
  const { layout, bigEndian } = parsed;
  const { itemSizeBytes } = layout;
  const count = elementCount(shape);
  let items = file.subarray(dataOffset);
  if (count * itemSizeBytes !== items.length) {
    throw new RecordError(
      \`The array's .npy header says (\${shape.join(", ")}) of '\${descr}', which is \${count * itemSizeBytes} bytes; there are \${items.length}.\`
    );
  }
  const reorder = fortranOrder && shape.length > 1 && count > 0;
  if (bigEndian || reorder || items.byteOffset % itemSizeBytes !== 0) {
    items = new Uint8Array(items);
  }
  if (bigEndian) reverseItems(items, itemSizeBytes);
  if (reorder) items = toCOrder(items, itemSizeBytes, shape);
  return layout.view(items.buffer, items.byteOffset, count, shape);
}
function reverseItems(items, itemSizeBytes) {
  for (let at = 0; at < items.length; at += itemSizeBytes) {
    items.subarray(at, at + itemSizeBytes).reverse();
  }
}
function toCOrder(items, itemSizeBytes, shape) {
  const source = asWords(items, itemSizeBytes);
  const target = asWords(new Uint8Array(items.length), itemSizeBytes);
  const perItem = itemSizeBytes / source.BYTES_PER_ELEMENT;
  const strides = [];
  let stride = perItem;
  for (const axis of shape) {
    strides.push(stride);
    stride *= axis;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to += perItem) {
    for (let word = 0; word < perItem; word++) target[to + word] = source[from + word] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const position = (index[axis] ?? 0) + 1;
      from += strides[axis] ?? 0;
      if (position < (shape[axis] ?? 0)) {
        index[axis] = position;
        break;
      }
      index[axis] = 0;
      from -= (strides[axis] ?? 0) * position;
    }
  }
  return new Uint8Array(target.buffer);
}
function asWords({ buffer, byteOffset, length }, itemSizeBytes) {
  if (itemSizeBytes === 1) return new Uint8Array(buffer, byteOffset, length);
  if (itemSizeBytes === 2) return new Uint16Array(buffer, byteOffset, length / 2);
  return new Uint32Array(buffer, byteOffset, length / 4);
}

// trellis:records/array.ts
var NUMPY_STYPE = "numpy.ndarray";
var INT32_MAX2 = 2 ** 31 - 1;
var FlowerArray = class _FlowerArray {
  /** NumPy's name of the dtype, such as \`float32\`. Arrays of Flower's legacy API leave it empty. */
  dtype;
  /** The length of each axis. Arrays of Flower's legacy API leave it empty. */
  shape;
  /** How \`data\` is serialized. */
  stype;
  /** The serialized bytes. They are shared, not copied: do not write to them. */
  data;
  /** @throws {RecordError} when an axis is no length that protobuf's int32 can carry. */
  constructor(fields) {
    if (!fields.shape.every((axis) => Number.isInteger(axis) && 0 <= axis && axis <= INT32_MAX2)) {
      throw new RecordError(\`The shape [\${fields.shape.join(", ")}] is not one of an Array.\`);
    }
    if (!fields.dtype.isWellFormed() || !fields.stype.isWellFormed()) {
      throw new RecordError("An Array's dtype or stype is not well-formed Unicode.");
    }
    this.dtype = fields.dtype;
    this.shape = Object.freeze([...fields.shape]);
    this.stype = fields.stype;
    this.data = fields.data;
  }
  /**
   * Serializes an array as Flower does, in an \`.npy\` file.
   *
   * @throws {RecordError} when its shape does not have as many elements as its data.
   */
  static fromNdArray(array) {
    return new _FlowerArray({
      dtype: array.dtype,
      shape: array.shape,
      stype: NUMPY_STYPE,
      data: encodeNpy(array)
    });
  }
  /** @throws {RecordError} when the shape has a negative axis. */
  static fromProto(proto) {
    return new _FlowerArray(proto);
  }
  /**
   * The elements. As in Flower, the \`.npy\` header says what they are, and not this array's own dtype
   * and shape. They may share memory with this array's bytes: to change them, work on a copy.
   *
   * @throws {RecordError} when the serialization is not NumPy's or the \`.npy\` file is malformed.
   */
  toNdArray() {
    if (this.stype !== NUMPY_STYPE) {
      throw new RecordError(
        \`An Array of the stype '\${this.stype}' cannot be read, only '\${NUMPY_STYPE}'.\`
      );
    }
    return decodeNpy(this.data);
  }
  /** The array as protobuf, which shares its bytes. */
  toProto() {
    return create(ArraySchema, {
      dtype: this.dtype,
      shape: [...this.shape],
      stype: this.stype,
      data: this.data
    });
  }
};

// trellis:records/ordered_record.ts
function isIterable(entries) {
  return Symbol.iterator in entries;
}
var OrderedRecord = class {
  #values = /* @__PURE__ */ new Map();
  /**
   * @param accept checks a value and returns what to keep of it.
   * @throws {RecordError} when a key comes twice or is not well-formed Unicode (which protobuf
   * could not carry), or by \`accept\`.
   */
  constructor(entries, accept) {
    const pairs = isIterable(entries) ? entries : Object.entries(entries);
    for (const [key, value] of pairs) {
      if (!key.isWellFormed()) throw new RecordError("A record's key is not well-formed Unicode.");
      if (this.#values.has(key)) throw new RecordError(\`A record has the key '\${key}' twice.\`);
      this.#values.set(key, accept(key, value));
    }
  }
  /** The number of entries. */
  get size() {
    return this.#values.size;
  }
  /** The value of a key, or \`undefined\`. */
  get(key) {
    return this.#values.get(key);
  }
  /** Whether there is a value for the key. */
  has(key) {
    return this.#values.has(key);
  }
  /** The keys, in order. */
  keys() {
    return this.#values.keys();
  }
  /** The values, in the order of their keys. */
  values() {
    return this.#values.values();
  }
  /** The pairs of key and value, in order. */
  [Symbol.iterator]() {
    return this.#values.entries();
  }
};

// trellis:records/array_record.ts
var ArrayRecord = class _ArrayRecord extends OrderedRecord {
  constructor(entries = {}) {
    super(entries, (_key, array) => array);
  }
  /**
   * Serializes arrays under names, in order.
   *
   * @throws {RecordError} when a shape does not have as many elements as its data.
   */
  static fromNdArrays(arrays) {
    return new _ArrayRecord(
      Array.from(arrays, ([key, array]) => [key, FlowerArray.fromNdArray(array)])
    );
  }
  /** @throws {RecordError} when a key comes twice or an entry has no array. */
  static fromProto(proto) {
    return new _ArrayRecord(
      proto.items.map(({ key, value }) => {
        if (value === void 0) throw new RecordError(\`The record's entry '\${key}' has no array.\`);
        return [key, FlowerArray.fromProto(value)];
      })
    );
  }
  /** The record as protobuf, its arrays inline and in order. */
  toProto() {
    return create(ArrayRecordSchema, {
      items: Array.from(this, ([key, array]) => ({ key, value: array.toProto() }))
    });
  }
};

// trellis:records/record_value.ts
var INT64_MIN = -(2n ** 63n);
var INT64_MAX = 2n ** 63n - 1n;
var UINT64_MAX = 2n ** 64n - 1n;
var isBigint = (value) => typeof value === "bigint";
var isNumber = (value) => typeof value === "number";
var isBoolean = (value) => typeof value === "boolean";
var isString = (value) => typeof value === "string";
var isBytes = (value) => value instanceof Uint8Array;
function isListOf(value, isItem) {
  return Array.isArray(value) && value.every(isItem);
}
function needsUint64(value) {
  return value > INT64_MAX;
}
function isRepresentable(value) {
  return INT64_MIN <= value && value <= UINT64_MAX;
}
function acceptMetric(key, value) {
  if (isNumber(value)) return value;
  if (isBigint(value)) {
    checkIntegers(key, [value]);
    return value;
  }
  if (isListOf(value, isNumber)) return Object.freeze([...value]);
  if (isListOf(value, isBigint)) {
    checkIntegers(key, value);
    return Object.freeze([...value]);
  }
  throw new RecordError(
    \`The metric '\${key}' is neither a number (float), a bigint (int) nor a list of one of them.\`
  );
}
function acceptConfig(key, value) {
  if (isBoolean(value) || isBytes(value)) return value;
  if (isString(value)) {
    checkText(key, [value]);
    return value;
  }
  if (isListOf(value, isBoolean)) return Object.freeze([...value]);
  if (isListOf(value, isBytes)) return Object.freeze([...value]);
  if (isListOf(value, isString)) {
    checkText(key, value);
    return Object.freeze([...value]);
  }
  if (isNumber(value) || isBigint(value) || isListOf(value, isNumber) || isListOf(value, isBigint)) {
    return acceptMetric(key, value);
  }
  throw new RecordError(
    \`The config entry '\${key}' is neither a boolean, number (float), bigint (int), string, Uint8Array (bytes) nor a list of one of them.\`
  );
}
function checkIntegers(key, integers) {
  const unsigned = integers.some(needsUint64);
  const good = integers.every((value) => isRepresentable(value) && !(unsigned && value < 0n));
  if (!good) throw new RecordError(\`The value of '\${key}' does not fit int64 or uint64.\`);
}
function checkText(key, texts) {
  if (!texts.every((text) => text.isWellFormed())) {
    throw new RecordError(\`The value of '\${key}' is not well-formed Unicode.\`);
  }
}
function metricToProto(value) {
  if (isNumber(value)) return { case: "double", value };
  if (isBigint(value)) return { case: needsUint64(value) ? "uint64" : "sint64", value };
  if (isListOf(value, isNumber)) {
    return { case: "doubleList", value: create(DoubleListSchema, { vals: [...value] }) };
  }
  if (value.some(needsUint64)) {
    return { case: "uintList", value: create(UintListSchema, { vals: [...value] }) };
  }
  return { case: "sintList", value: create(SintListSchema, { vals: [...value] }) };
}
function configToProto(value) {
  if (isBoolean(value)) return { case: "bool", value };
  if (isString(value)) return { case: "string", value };
  if (isBytes(value)) return { case: "bytes", value };
  if (isListOf(value, isBoolean)) {
    return { case: "boolList", value: create(BoolListSchema, { vals: [...value] }) };
  }
  if (isListOf(value, isString)) {
    return { case: "stringList", value: create(StringListSchema, { vals: [...value] }) };
  }
  if (isListOf(value, isBytes)) {
    return { case: "bytesList", value: create(BytesListSchema, { vals: [...value] }) };
  }
  return metricToProto(value);
}
function metricFromProto(key, proto) {
  return unpack(key, proto?.value);
}
function configFromProto(key, proto) {
  const oneof = proto?.value;
  switch (oneof?.case) {
    case "bool":
    case "string":
    case "bytes":
      return oneof.value;
    case "boolList":
    case "stringList":
    case "bytesList":
      return oneof.value.vals;
    default:
      return unpack(key, oneof);
  }
}
function unpack(key, oneof) {
  switch (oneof?.case) {
    case "double":
    case "sint64":
    case "uint64":
      return oneof.value;
    case "doubleList":
    case "sintList":
    case "uintList":
      return oneof.value.vals;
    default:
      throw new RecordError(\`The record's entry '\${key}' has no value of a known type.\`);
  }
}

// trellis:records/config_record.ts
var ConfigRecord = class _ConfigRecord extends OrderedRecord {
  /** @throws {RecordError} when a value is none that a ConfigRecord can hold. */
  constructor(entries = {}) {
    super(entries, acceptConfig);
  }
  /** @throws {RecordError} when a key comes twice or an entry has no value of a known type. */
  static fromProto(proto) {
    return new _ConfigRecord(
      proto.items.map(({ key, value }) => [key, configFromProto(key, value)])
    );
  }
  /** The record as protobuf, its entries in order. */
  toProto() {
    return create(ConfigRecordSchema, {
      items: Array.from(this, ([key, value]) => ({ key, value: { value: configToProto(value) } }))
    });
  }
};

// trellis:records/error_code.ts
var ErrorCode = {
  UNKNOWN: 0n,
  /** Made by the ClientApp process: the app could not be loaded. */
  LOAD_CLIENT_APP_EXCEPTION: 1n,
  /** Made by the ClientApp process: the app raised. */
  CLIENT_APP_RAISED_EXCEPTION: 2n,
  /** Made by the SuperLink: the instruction is unknown or has expired. */
  MESSAGE_UNAVAILABLE: 3n,
  /** Made by the SuperLink: the reply has expired. */
  REPLY_MESSAGE_UNAVAILABLE: 4n,
  /** Made by the SuperLink: the node does not report. */
  NODE_UNAVAILABLE: 5n,
  /** Made by mods in the app. */
  MOD_FAILED_PRECONDITION: 6n,
  /** Made by the SuperNode: the FAB's signatures are not trusted. */
  INVALID_FAB: 7n,
  /** Made by the SuperNode: the ClientApp process died. */
  CLIENT_APP_CRASHED: 8n
};

// trellis:records/metric_record.ts
var MetricRecord = class _MetricRecord extends OrderedRecord {
  /** @throws {RecordError} when a value is none that a MetricRecord can hold. */
  constructor(entries = {}) {
    super(entries, acceptMetric);
  }
  /** @throws {RecordError} when a key comes twice or an entry has no value of a known type. */
  static fromProto(proto) {
    return new _MetricRecord(
      proto.items.map(({ key, value }) => [key, metricFromProto(key, value)])
    );
  }
  /** The record as protobuf, its entries in order. */
  toProto() {
    return create(MetricRecordSchema, {
      items: Array.from(this, ([key, value]) => ({ key, value: { value: metricToProto(value) } }))
    });
  }
};

// trellis:records/record_dict.ts
var RecordDict = class _RecordDict extends OrderedRecord {
  constructor(entries = {}) {
    super(entries, (_key, record) => record);
  }
  /** @throws {RecordError} when a record is malformed or of an unknown kind. */
  static fromProto(proto) {
    return new _RecordDict(proto.items.map((item) => [item.key, fromItem(item)]));
  }
  /** The ArrayRecords among the records, in order. */
  arrayRecords() {
    return this.#select((record) => record instanceof ArrayRecord);
  }
  /** The MetricRecords among the records, in order. */
  metricRecords() {
    return this.#select((record) => record instanceof MetricRecord);
  }
  /** The ConfigRecords among the records, in order. */
  configRecords() {
    return this.#select((record) => record instanceof ConfigRecord);
  }
  /** The records as protobuf, arrays inline, as contexts carry them. (Messages travel as objects.) */
  toProto() {
    return create(RecordDictSchema, {
      items: Array.from(this, ([key, record]) => ({ key, value: toItemValue(record) }))
    });
  }
  #select(is) {
    const selected = /* @__PURE__ */ new Map();
    for (const [key, record] of this) {
      if (is(record)) selected.set(key, record);
    }
    return selected;
  }
};
function fromItem({ key, value }) {
  switch (value.case) {
    case "arrayRecord":
      return ArrayRecord.fromProto(value.value);
    case "metricRecord":
      return MetricRecord.fromProto(value.value);
    case "configRecord":
      return ConfigRecord.fromProto(value.value);
    default:
      throw new RecordError(\`The record '\${key}' is of an unknown kind.\`);
  }
}
function toItemValue(record) {
  if (record instanceof ArrayRecord) return { case: "arrayRecord", value: record.toProto() };
  if (record instanceof MetricRecord) return { case: "metricRecord", value: record.toProto() };
  return { case: "configRecord", value: record.toProto() };
}

// trellis:records/message_type.ts
var MessageCategory = {
  TRAIN: "train",
  EVALUATE: "evaluate",
  QUERY: "query",
  SYSTEM: "system"
};
var LegacyMessageType = {
  GET_PARAMETERS: "get_parameters",
  GET_PROPERTIES: "get_properties",
  RECONNECT: "reconnect"
};
var DEFAULT_ACTION = "default";
var CATEGORIES = new Set(Object.values(MessageCategory));
var LEGACY = new Set(Object.values(LegacyMessageType));
var IDENTIFIER = /^[_\\p{XID_Start}]\\p{XID_Continue}*$/u;
function parseMessageType(messageType) {
  if (LEGACY.has(messageType)) return { category: messageType, action: DEFAULT_ACTION };
  const [category = "", action = DEFAULT_ACTION, ...more] = messageType.split(".", 3);
  if (!CATEGORIES.has(category) || !IDENTIFIER.test(action) || more.length > 0) {
    throw new RecordError(\`The message type '\${messageType.slice(0, 80)}' is not one of Flower's.\`);
  }
  return { category, action };
}

// trellis:sdk/client_app.ts
var NoHandlerError = class extends Error {
  name = "NoHandlerError";
};
var ClientApp = class {
  #handlers = /* @__PURE__ */ new Map();
  /**
   * Answers messages of the type \`train\`, or \`train.<action>\`.
   *
   * @throws {RecordError} when the action is not a Python identifier.
   * @throws {TypeError} when there is a handler already.
   */
  train(handler, action = DEFAULT_ACTION) {
    return this.#register(MessageCategory.TRAIN, action, handler);
  }
  /** As {@linkcode train}, for \`evaluate\`. */
  evaluate(handler, action = DEFAULT_ACTION) {
    return this.#register(MessageCategory.EVALUATE, action, handler);
  }
  /** As {@linkcode train}, for \`query\`. */
  query(handler, action = DEFAULT_ACTION) {
    return this.#register(MessageCategory.QUERY, action, handler);
  }
  /**
   * Answers a message and gives the reply's content.
   *
   * @throws {NoHandlerError} when the app has no handler for the message's type.
   * @throws {TypeError} when the handler gives something else than records.
   */
  async handle(message, context) {
    if (message.error !== void 0) {
      throw new TypeError("An instruction carries content, and this one carries an error.");
    }
    const { category, action } = parseMessageType(message.metadata.messageType);
    const handler = this.#handlers.get(\`\${category}.\${action}\`);
    if (handler === void 0) {
      throw new NoHandlerError(\`No \${category} function registered with name '\${action}'\`);
    }
    const content = await handler(message, context);
    if (content instanceof RecordDict) return content;
    throw new TypeError(\`The handler of '\${category}.\${action}' gave no RecordDict.\`);
  }
  #register(category, action, handler) {
    const messageType = \`\${category}.\${action}\`;
    parseMessageType(messageType);
    if (this.#handlers.has(messageType)) {
      throw new TypeError(\`The app has a handler for '\${messageType}' already.\`);
    }
    this.#handlers.set(messageType, handler);
    return this;
  }
};

// trellis:proto/gen/flwr/proto/error_pb.ts
var file_flwr_proto_error = /* @__PURE__ */ fileDesc("ChZmbHdyL3Byb3RvL2Vycm9yLnByb3RvEgpmbHdyLnByb3RvIiUKBUVycm9yEgwKBGNvZGUYASABKBISDgoGcmVhc29uGAIgASgJYgZwcm90bzM");
var ErrorSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_error, 0);

// trellis:proto/gen/flwr/proto/node_pb.ts
var file_flwr_proto_node = /* @__PURE__ */ fileDesc("ChVmbHdyL3Byb3RvL25vZGUucHJvdG8SCmZsd3IucHJvdG8iFwoETm9kZRIPCgdub2RlX2lkGAEgASgEIqcDCghOb2RlSW5mbxIPCgdub2RlX2lkGAEgASgEEhEKCW93bmVyX2FpZBgCIAEoCRISCgpvd25lcl9uYW1lGAMgASgJEg4KBnN0YXR1cxgEIAEoCRIVCg1yZWdpc3RlcmVkX2F0GAUgASgJEh4KEWxhc3RfYWN0aXZhdGVkX2F0GAYgASgJSACIAQESIAoTbGFzdF9kZWFjdGl2YXRlZF9hdBgHIAEoCUgBiAEBEhwKD3VucmVnaXN0ZXJlZF9hdBgIIAEoCUgCiAEBEhkKDG9ubGluZV91bnRpbBgJIAEoAUgDiAEBEhoKEmhlYXJ0YmVhdF9pbnRlcnZhbBgKIAEoARISCgpwdWJsaWNfa2V5GAsgASgMEhUKCGxvY2F0aW9uGAwgASgJSASIAQESEQoEbmFtZRgNIAEoCUgFiAEBQhQKEl9sYXN0X2FjdGl2YXRlZF9hdEIWChRfbGFzdF9kZWFjdGl2YXRlZF9hdEISChBfdW5yZWdpc3RlcmVkX2F0Qg8KDV9vbmxpbmVfdW50aWxCCwoJX2xvY2F0aW9uQgcKBV9uYW1lYgZwcm90bzM");

// trellis:proto/gen/flwr/proto/transport_pb.ts
var file_flwr_proto_transport = /* @__PURE__ */ fileDesc("ChpmbHdyL3Byb3RvL3RyYW5zcG9ydC5wcm90bxIKZmx3ci5wcm90byJ7CgZTY2FsYXISEAoGZG91YmxlGAEgASgBSAASEAoGdWludDY0GAYgASgESAASEAoGc2ludDY0GAggASgSSAASDgoEYm9vbBgNIAEoCEgAEhAKBnN0cmluZxgOIAEoCUgAEg8KBWJ5dGVzGA8gASgMSABCCAoGc2NhbGFyYgZwcm90bzM");
var ScalarSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_transport, 0);

// trellis:proto/gen/flwr/proto/message_pb.ts
var file_flwr_proto_message = /* @__PURE__ */ fileDesc("ChhmbHdyL3Byb3RvL21lc3NhZ2UucHJvdG8SCmZsd3IucHJvdG8ifAoHTWVzc2FnZRImCghtZXRhZGF0YRgBIAEoCzIULmZsd3IucHJvdG8uTWV0YWRhdGESJwoHY29udGVudBgCIAEoCzIWLmZsd3IucHJvdG8uUmVjb3JkRGljdBIgCgVlcnJvchgDIAEoCzIRLmZsd3IucHJvdG8uRXJyb3Ii4wIKB0NvbnRleHQSDgoGcnVuX2lkGAEgASgEEg8KB25vZGVfaWQYAiABKAQSOAoLbm9kZV9jb25maWcYAyADKAsyIy5mbHdyLnByb3RvLkNvbnRleHQuTm9kZUNvbmZpZ0VudHJ5EiUKBXN0YXRlGAQgASgLMhYuZmx3ci5wcm90by5SZWNvcmREaWN0EjYKCnJ1bl9jb25maWcYBSADKAsyIi5mbHdyLnByb3RvLkNvbnRleHQuUnVuQ29uZmlnRW50cnkSEQoJc2VyaWVzX2lkGAYgASgEGkUKD05vZGVDb25maWdFbnRyeRILCgNrZXkYASABKAkSIQoFdmFsdWUYAiABKAsyEi5mbHdyLnByb3RvLlNjYWxhcjoCOAEaRAoOUnVuQ29uZmlnRW50cnkSCwoDa2V5GAEgASgJEiEKBXZhbHVlGAIgASgLMhIuZmx3ci5wcm90by5TY2FsYXI6AjgBIpICCghNZXRhZGF0YRIOCgZydW5faWQYASABKAQSEgoKbWVzc2FnZV9pZBgCIAEoCRITCgtzcmNfbm9kZV9pZBgDIAEoBBITCgtkc3Rfbm9kZV9pZBgEIAEoBBIbChNyZXBseV90b19tZXNzYWdlX2lkGAUgASgJEhAKCGdyb3VwX2lkGAYgASgJEgsKA3R0bBgHIAEoARIUCgxtZXNzYWdlX3R5cGUYCCABKAkSEgoKY3JlYXRlZF9hdBgJIAEoARIYCgtzcmNfdGFza19pZBgKIAEoBEgAiAEBEhgKC2RzdF90YXNrX2lkGAsgASgESAGIAQFCDgoMX3NyY190YXNrX2lkQg4KDF9kc3RfdGFza19pZCIfCglPYmplY3RJRHMSEgoKb2JqZWN0X2lkcxgBIAMoCSJJCgpPYmplY3RUcmVlEhEKCW9iamVjdF9pZBgBIAEoCRIoCghjaGlsZHJlbhgCIAMoCzIWLmZsd3IucHJvdG8uT2JqZWN0VHJlZSIzCg1DYXJyaWVkT2JqZWN0EhEKCW9iamVjdF9pZBgBIAEoCRIPCgdjb250ZW50GAIgASgMIoIBChFQdXNoT2JqZWN0UmVxdWVzdBIeCgRub2RlGAEgASgLMhAuZmx3ci5wcm90by5Ob2RlEg4KBnJ1bl9pZBgCIAEoBBIRCglvYmplY3RfaWQYAyABKAkSFgoOb2JqZWN0X2NvbnRlbnQYBCABKAwSEgoKc2Vzc2lvbl9pZBgFIAEoCSIkChJQdXNoT2JqZWN0UmVzcG9uc2USDgoGc3RvcmVkGAEgASgIIlYKEVB1bGxPYmplY3RSZXF1ZXN0Eh4KBG5vZGUYASABKAsyEC5mbHdyLnByb3RvLk5vZGUSDgoGcnVuX2lkGAIgASgEEhEKCW9iamVjdF9pZBgDIAEoCSJcChJQdWxsT2JqZWN0UmVzcG9uc2USFAoMb2JqZWN0X2ZvdW5kGAEgASgIEhgKEG9iamVjdF9hdmFpbGFibGUYAiABKAgSFgoOb2JqZWN0X2NvbnRlbnQYAyABKAwiagodQ29uZmlybU1lc3NhZ2VSZWNlaXZlZFJlcXVlc3QSHgoEbm9kZRgBIAEoCzIQLmZsd3IucHJvdG8uTm9kZRIOCgZydW5faWQYAiABKAQSGQoRbWVzc2FnZV9vYmplY3RfaWQYAyABKAkiIAoeQ29uZmlybU1lc3NhZ2VSZWNlaXZlZFJlc3BvbnNlYgZwcm90bzM", [file_flwr_proto_error, file_flwr_proto_node, file_flwr_proto_recorddict, file_flwr_proto_transport]);
var MessageSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_message, 0);
var ContextSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_message, 1);
var MetadataSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_message, 2);
var ObjectTreeSchema = /* @__PURE__ */ messageDesc(file_flwr_proto_message, 4);

// trellis:records/object_id.ts
import { createHash } from "node:crypto";
var OBJECT_ID = /^[0-9a-f]{64}$/;
function isObjectId(text) {
  return OBJECT_ID.test(text);
}
function objectIdOf(...pieces) {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

// trellis:records/object_head.ts
var OBJECT_TYPES = [
  "ArrayChunk",
  "Array",
  "ArrayRecord",
  "ConfigRecord",
  "MetricRecord",
  "RecordDict",
  "Message"
];
var MAX_OBJECTS = 1e6;
var MAX_HEAD_BYTES = 64 + 65 * MAX_OBJECTS;
var BODY_LENGTH = /^(?:0|[1-9][0-9]{0,15})$/;
var encoder = new TextEncoder();
var decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
function objectType(text) {
  return OBJECT_TYPES.find((type) => type === text);
}
function encodeHead(type, children, bodySizeBytes) {
  return encoder.encode(\`\${type} \${children.join(",")} \${bodySizeBytes}\\0\`);
}
function parseObject(content) {
  const headBytes = content.subarray(0, MAX_HEAD_BYTES).indexOf(0);
  if (headBytes === -1) {
    throw new RecordError("No zero byte divides the object's head from its body.");
  }
  const fields = decodeHead(content.subarray(0, headBytes)).split(" ");
  const [typeField, childrenField, lengthField] = fields;
  if (fields.length !== 3 || typeField === void 0 || childrenField === void 0 || lengthField === void 0) {
    throw new RecordError("The object's head does not have exactly three fields.");
  }
  const type = objectType(typeField);
  if (type === void 0) {
    throw new RecordError(\`Objects of type '\${typeField.slice(0, 64)}' are not supported.\`);
  }
  const children = parseChildren(childrenField);
  const body = content.subarray(headBytes + 1);
  if (!BODY_LENGTH.test(lengthField) || Number(lengthField) !== body.length) {
    throw new RecordError(
      \`The head says '\${lengthField.slice(0, 64)}' bytes of body, there are \${body.length}.\`
    );
  }
  return { type, children, body };
}
function decodeHead(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new RecordError("The object's head is not UTF-8 text.");
  }
}
function parseChildren(field) {
  if (field === "") return [];
  const children = field.split(",");
  for (const child of children) {
    if (!isObjectId(child)) {
      throw new RecordError(\`The child id '\${child.slice(0, 80)}' is not an object id.\`);
    }
  }
  if (new Set(children).size !== children.length) {
    throw new RecordError("The object's head names a child twice.");
  }
  return children;
}

// trellis:records/object_tree.ts
var MAX_TREE_DEPTH = 16;
function postOrder(tree) {
  const entries = /* @__PURE__ */ new Map();
  let nodes = 0;
  const visit = (node, depth) => {
    if (depth > MAX_TREE_DEPTH) {
      throw new RecordError(\`The object tree is more than \${MAX_TREE_DEPTH} objects deep.\`);
    }
    if (++nodes > MAX_OBJECTS) {
      throw new RecordError(\`The object tree has more than \${MAX_OBJECTS} nodes.\`);
    }
    if (!isObjectId(node.objectId)) {
      throw new RecordError(
        \`The object tree has '\${node.objectId.slice(0, 80)}', which is not an object id.\`
      );
    }
    const children = node.children.map((child) => child.objectId);
    if (new Set(children).size !== children.length) {
      throw new RecordError(\`The object tree names a child of '\${node.objectId}' twice.\`);
    }
    for (const child of node.children) visit(child, depth + 1);
    const known2 = entries.get(node.objectId);
    if (known2 === void 0) {
      entries.set(node.objectId, { objectId: node.objectId, children });
    } else if (!sameIds(known2.children, children)) {
      throw new RecordError(\`The object tree gives '\${node.objectId}' two lists of children.\`);
    }
  };
  visit(tree, 1);
  return [...entries.values()];
}
function buildTree(rootId, childrenOf) {
  const known2 = /* @__PURE__ */ new Map();
  const tooLarge = () => new RecordError(\`The object tree under '\${rootId}' is too deep or too large.\`);
  const build = (objectId, depth) => {
    const seen = known2.get(objectId);
    if (seen !== void 0) return seen;
    if (depth > MAX_TREE_DEPTH) throw tooLarge();
    const children = childrenOf(objectId).map((child) => build(child, depth + 1));
    const nodes = children.reduce((sum, child) => sum + child.nodes, 1);
    const height = children.reduce((most, child) => Math.max(most, child.height), 0) + 1;
    if (height > MAX_TREE_DEPTH || nodes > MAX_OBJECTS) throw tooLarge();
    const tree = create(ObjectTreeSchema, {
      objectId,
      children: children.map((child) => child.tree)
    });
    const built = { tree, nodes, height };
    known2.set(objectId, built);
    return built;
  };
  return build(rootId, 1).tree;
}
function sameIds(a, b) {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

// trellis:records/python_json.ts
var SHORT_ESCAPES = /* @__PURE__ */ new Map([
  ['"', '\\\\"'],
  ["\\\\", "\\\\\\\\"],
  ["\\n", "\\\\n"],
  ["\\r", "\\\\r"],
  ["	", "\\\\t"],
  ["\\b", "\\\\b"],
  ["\\f", "\\\\f"]
]);
var ESCAPED = /["\\\\]|[^ -~]/g;
var INTEGER = /-?(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
function encodeJsonString(text) {
  const inner = text.replace(
    ESCAPED,
    (unit) => SHORT_ESCAPES.get(unit) ?? \`\\\\u\${unit.charCodeAt(0).toString(16).padStart(4, "0")}\`
  );
  return \`"\${inner}"\`;
}
function encodeStringObject(entries) {
  const members = [];
  for (const [key, value] of entries) {
    members.push(\`\${encodeJsonString(key)}: \${encodeJsonString(value)}\`);
  }
  return \`{\${members.join(", ")}}\`;
}
function decodeStringObject(text) {
  const entries = /* @__PURE__ */ new Map();
  const cursor = new JsonCursor(text);
  cursor.object((key) => entries.set(key, cursor.string()));
  cursor.end();
  return entries;
}
var JsonCursor = class {
  #text;
  #at = 0;
  constructor(text) {
    this.#text = text;
  }
  /** Reads an object: calls \`member\` with each key in turn, which must read the value. */
  object(member) {
    const keys = /* @__PURE__ */ new Set();
    this.#sequence("{", "}", () => {
      const key = this.string();
      if (keys.has(key)) this.#fail("a key that comes twice");
      keys.add(key);
      this.#expect(":");
      member(key);
    });
  }
  /** Reads a list: calls \`item\` for each item, which must read it. */
  list(item) {
    this.#sequence("[", "]", item);
  }
  /** Reads a string. */
  string() {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail("no string");
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') {
      end += this.#text[end] === "\\\\" ? 2 : 1;
    }
    this.#at = end + 1;
    try {
      const value = JSON.parse(this.#text.slice(start, end + 1));
      if (typeof value === "string") return value;
    } catch {
    }
    return this.#fail("a malformed string");
  }
  /** Reads an integer without fraction or exponent that a number holds exactly. */
  integer() {
    this.#skipSpace();
    INTEGER.lastIndex = this.#at;
    const digits = INTEGER.exec(this.#text)?.[0];
    const value = Number(digits);
    if (digits === void 0 || !Number.isSafeInteger(value)) return this.#fail("no integer");
    this.#at += digits.length;
    return value;
  }
  /** Requires that nothing but white space is left. */
  end() {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("text after its end");
  }
  #sequence(open, close, item) {
    this.#expect(open);
    if (this.#accept(close)) return;
    do
      item();
    while (this.#accept(","));
    this.#expect(close);
  }
  #skipSpace() {
    while (" 	\\n\\r".includes(this.#text[this.#at] ?? "end")) this.#at++;
  }
  #accept(mark) {
    this.#skipSpace();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }
  #expect(mark) {
    if (!this.#accept(mark)) this.#fail(\`no '\${mark}'\`);
  }
  #fail(what) {
    throw new RecordError(\`The object's JSON has \${what} at character \${this.#at}.\`);
  }
};

// trellis:records/array_body.ts
function encodeArrayBody(body) {
  return \`{"dtype": \${encodeJsonString(body.dtype)}, "shape": [\${body.shape.join(", ")}], "stype": \${encodeJsonString(body.stype)}, "arraychunk_ids": [\${body.chunkIndexes.join(", ")}]}\`;
}
function decodeArrayBody(text) {
  let dtype;
  let shape;
  let stype;
  let chunkIndexes;
  const cursor = new JsonCursor(text);
  const integers = () => {
    const items = [];
    cursor.list(() => items.push(cursor.integer()));
    return items;
  };
  cursor.object((key) => {
    if (key === "dtype") dtype = cursor.string();
    else if (key === "shape") shape = integers();
    else if (key === "stype") stype = cursor.string();
    else if (key === "arraychunk_ids") chunkIndexes = integers();
    else throw new RecordError(\`The Array object has an unknown member '\${key.slice(0, 64)}'.\`);
  });
  cursor.end();
  if (dtype === void 0 || shape === void 0 || stype === void 0 || chunkIndexes === void 0) {
    throw new RecordError(
      "The Array object lacks one of 'dtype', 'shape', 'stype' and 'arraychunk_ids'."
    );
  }
  return { dtype, shape, stype, chunkIndexes };
}

// trellis:records/metadata.ts
var SUPERLINK_NODE_ID = 1n;
var DEFAULT_TTL_SECONDS = 43200;
function metadataFromProto(proto) {
  parseMessageType(proto.messageType);
  return {
    runId: proto.runId,
    messageId: proto.messageId,
    srcNodeId: proto.srcNodeId,
    dstNodeId: proto.dstNodeId,
    replyToMessageId: proto.replyToMessageId,
    groupId: proto.groupId,
    ttlSeconds: proto.ttl,
    messageType: proto.messageType,
    createdAtSeconds: proto.createdAt,
    ...proto.srcTaskId !== void 0 && { srcTaskId: proto.srcTaskId },
    ...proto.dstTaskId !== void 0 && { dstTaskId: proto.dstTaskId },
    ...proto.$unknown !== void 0 && { unknownFields: proto.$unknown }
  };
}
function metadataToProto(metadata) {
  const proto = create(MetadataSchema, {
    runId: metadata.runId,
    messageId: metadata.messageId,
    srcNodeId: metadata.srcNodeId,
    dstNodeId: metadata.dstNodeId,
    replyToMessageId: metadata.replyToMessageId,
    groupId: metadata.groupId,
    ttl: metadata.ttlSeconds,
    messageType: metadata.messageType,
    createdAt: metadata.createdAtSeconds
  });
  if (metadata.srcTaskId !== void 0) proto.srcTaskId = metadata.srcTaskId;
  if (metadata.dstTaskId !== void 0) proto.dstTaskId = metadata.dstTaskId;
  if (metadata.unknownFields !== void 0) proto.$unknown = [...metadata.unknownFields];
  return proto;
}

// trellis:records/message.ts
function createInstruction(options) {
  parseMessageType(options.messageType);
  return {
    metadata: {
      runId: options.runId,
      messageId: "",
      srcNodeId: SUPERLINK_NODE_ID,
      dstNodeId: options.dstNodeId,
      replyToMessageId: "",
      groupId: options.groupId ?? "",
      ttlSeconds: options.ttlSeconds ?? DEFAULT_TTL_SECONDS,
      messageType: options.messageType,
      createdAtSeconds: options.nowSeconds
    },
    content: options.content
  };
}
function pushedMessage(message, messageId) {
  const proto = envelope(message, messageId);
  if (message.error === void 0) proto.content = new RecordDict().toProto();
  return proto;
}
function hashedMessage(message) {
  return envelope(message, "");
}
function envelope(message, messageId) {
  const proto = create(MessageSchema, {
    metadata: metadataToProto({ ...message.metadata, messageId })
  });
  if (message.error !== void 0) proto.error = errorToProto(message.error);
  if (message.unknownFields !== void 0) proto.$unknown = [...message.unknownFields];
  return proto;
}
function messageFromHashed(proto, messageId, content) {
  if (proto.metadata === void 0) throw new RecordError("The message has no metadata.");
  if (proto.metadata.messageId !== "" || proto.content !== void 0) {
    throw new RecordError("The message has an id or content inside what is hashed into its id.");
  }
  const base = {
    metadata: { ...metadataFromProto(proto.metadata), messageId },
    ...proto.$unknown !== void 0 && { unknownFields: proto.$unknown }
  };
  if (proto.error !== void 0 && content === void 0) {
    return { ...base, error: errorFromProto(proto.error) };
  }
  if (proto.error === void 0 && content !== void 0) return { ...base, content };
  throw new RecordError("The message does not have exactly one of content and error.");
}
function errorToProto(error) {
  const proto = create(ErrorSchema, { code: error.code, reason: error.reason });
  if (error.unknownFields !== void 0) proto.$unknown = [...error.unknownFields];
  return proto;
}
function errorFromProto(proto) {
  return {
    code: proto.code,
    reason: proto.reason,
    ...proto.$unknown !== void 0 && { unknownFields: proto.$unknown }
  };
}

// trellis:records/inflate.ts
var DEFAULT_MAX_ARRAY_DATA_BYTES = 2 ** 32;
var decoder2 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
function inflateMessage(objectId, contents, options) {
  return new Inflater(contents, options).message(objectId);
}
var Inflater = class {
  #contents;
  // Each object is checked and decoded once, however often it is named.
  #objects = /* @__PURE__ */ new Map();
  #arrays = /* @__PURE__ */ new Map();
  #records = /* @__PURE__ */ new Map();
  #arrayDataBytesLeft;
  constructor(contents, options = {}) {
    this.#contents = contents;
    this.#arrayDataBytesLeft = options.maxArrayDataBytes ?? DEFAULT_MAX_ARRAY_DATA_BYTES;
  }
  message(objectId) {
    const { type, children, body } = this.#object(objectId);
    if (type !== "Message") throw unexpected(objectId, type, "a Message");
    const [contentId, ...more] = children;
    if (more.length > 0) {
      throw new RecordError(\`The Message '\${objectId}' has more than one child.\`);
    }
    const content = contentId === void 0 ? void 0 : this.recordDict(contentId);
    return messageFromHashed(decodeBody(MessageSchema, objectId, body), objectId, content);
  }
  recordDict(objectId) {
    const object = this.#object(objectId);
    if (object.type !== "RecordDict") throw unexpected(objectId, object.type, "a RecordDict");
    const names = readNames(objectId, object);
    return new RecordDict(names.map(([name, id]) => [name, this.record(id)]));
  }
  record(objectId) {
    return remember(this.#records, objectId, () => {
      const object = this.#object(objectId);
      switch (object.type) {
        case "ArrayRecord": {
          const names = readNames(objectId, object);
          return new ArrayRecord(names.map(([name, id]) => [name, this.array(id)]));
        }
        case "MetricRecord":
          requireNoChildren(objectId, object);
          return MetricRecord.fromProto(decodeBody(MetricRecordSchema, objectId, object.body));
        case "ConfigRecord":
          requireNoChildren(objectId, object);
          return ConfigRecord.fromProto(decodeBody(ConfigRecordSchema, objectId, object.body));
        default:
          throw unexpected(objectId, object.type, "a record");
      }
    });
  }
  array(objectId) {
    return remember(this.#arrays, objectId, () => {
      const { type, children, body } = this.#object(objectId);
      if (type !== "Array") throw unexpected(objectId, type, "an Array");
      const { dtype, shape, stype, chunkIndexes } = decodeArrayBody(decodeText(objectId, body));
      requireSameIds(objectId, new Set(chunkIndexes), new Set(children.keys()));
      const chunks = children.map((child) => this.#chunk(child));
      return new FlowerArray({ dtype, shape, stype, data: this.#join(chunks, chunkIndexes) });
    });
  }
  #chunk(objectId) {
    const object = this.#object(objectId);
    if (object.type !== "ArrayChunk") throw unexpected(objectId, object.type, "an ArrayChunk");
    requireNoChildren(objectId, object);
    return object.body;
  }
  #join(chunks, indexes) {
    const slices = indexes.flatMap((index) => chunks[index] ?? []);
    const sizeBytes = slices.reduce((sum, slice) => sum + slice.length, 0);
    this.#arrayDataBytesLeft -= sizeBytes;
    if (this.#arrayDataBytesLeft < 0) {
      throw new RecordError("The message holds more array data than this receiver takes.");
    }
    const [first] = slices;
    if (first !== void 0 && slices.length === 1) return first;
    const data = new Uint8Array(sizeBytes);
    let at = 0;
    for (const slice of slices) {
      data.set(slice, at);
      at += slice.length;
    }
    return data;
  }
  #object(objectId) {
    return remember(this.#objects, objectId, () => {
      const content = this.#contents.get(objectId);
      if (content === void 0) throw new RecordError(\`The object '\${objectId}' is missing.\`);
      if (objectIdOf(content) !== objectId) {
        throw new RecordError(\`The content of the object '\${objectId}' does not hash to its id.\`);
      }
      return parseObject(content);
    });
  }
};
function remember(cache, objectId, make) {
  const cached = cache.get(objectId);
  if (cached !== void 0) return cached;
  const made = make();
  cache.set(objectId, made);
  return made;
}
function readNames(objectId, object) {
  const names = decodeStringObject(decodeText(objectId, object.body));
  requireSameIds(objectId, new Set(names.values()), new Set(object.children));
  return [...names];
}
function requireSameIds(objectId, inBody, inHead) {
  if (inBody.size !== inHead.size || !inBody.isSubsetOf(inHead)) {
    throw new RecordError(
      \`The body of the object '\${objectId}' does not name its head's children.\`
    );
  }
}
function requireNoChildren(objectId, { type, children }) {
  if (children.length > 0) throw new RecordError(\`The \${type} '\${objectId}' has children.\`);
}
function unexpected(objectId, type, wanted) {
  return new RecordError(\`The object '\${objectId}' is of type \${type} where \${wanted} belongs.\`);
}
function decodeText(objectId, body) {
  try {
    return decoder2.decode(body);
  } catch {
    throw new RecordError(\`The body of the object '\${objectId}' is not UTF-8 text.\`);
  }
}
function decodeBody(schema, objectId, body) {
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    throw new RecordError(\`The body of the object '\${objectId}' is not protobuf.\`, { cause });
  }
}

// trellis:records/deflate.ts
var MAX_CHUNK_BYTES = 5242880;
var encoder2 = new TextEncoder();
var known = /* @__PURE__ */ new WeakMap();
function remember2(value, make) {
  let node = known.get(value);
  if (node === void 0) {
    node = make(value);
    known.set(value, node);
  }
  return node;
}
function makeNode(type, body, children = []) {
  const distinct = [...new Map(children.map((child) => [child.object.objectId, child])).values()];
  const childIds = distinct.map((child) => child.object.objectId);
  const head = encodeHead(type, childIds, body.length);
  const object = {
    objectId: objectIdOf(head, body),
    type,
    children: childIds,
    sizeBytes: head.length + body.length,
    content() {
      const content = new Uint8Array(head.length + body.length);
      content.set(head);
      content.set(body, head.length);
      return content;
    }
  };
  return { object, children: distinct };
}
function arrayNode(array) {
  const chunks = [];
  for (let start = 0; start < array.data.length; start += MAX_CHUNK_BYTES) {
    chunks.push(makeNode("ArrayChunk", array.data.subarray(start, start + MAX_CHUNK_BYTES)));
  }
  const indexes = /* @__PURE__ */ new Map();
  const chunkIndexes = chunks.map(({ object: { objectId } }) => {
    const index = indexes.get(objectId) ?? indexes.size;
    indexes.set(objectId, index);
    return index;
  });
  const { dtype, shape, stype } = array;
  const body = encodeArrayBody({ dtype, shape, stype, chunkIndexes });
  return makeNode("Array", encoder2.encode(body), chunks);
}
function recordNode(record) {
  if (record instanceof ArrayRecord) {
    return namesNode(
      "ArrayRecord",
      Array.from(record, ([name, array]) => [name, remember2(array, arrayNode)])
    );
  }
  return record instanceof MetricRecord ? makeNode("MetricRecord", toBinary(MetricRecordSchema, record.toProto())) : makeNode("ConfigRecord", toBinary(ConfigRecordSchema, record.toProto()));
}
function recordDictNode(records) {
  return namesNode(
    "RecordDict",
    Array.from(records, ([name, record]) => [name, remember2(record, recordNode)])
  );
}
function namesNode(type, named) {
  const body = encodeStringObject(named.map(([name, { object }]) => [name, object.objectId]));
  return makeNode(type, encoder2.encode(body), named.map(([, node]) => node));
}
function finish(root) {
  const objects = /* @__PURE__ */ new Map();
  const visit = (node) => {
    if (objects.has(node.object.objectId)) return;
    node.children.forEach(visit);
    objects.set(node.object.objectId, node.object);
  };
  visit(root);
  const { objectId } = root.object;
  return {
    objectId,
    objects: [...objects.values()],
    tree: buildTree(objectId, (id) => objects.get(id)?.children ?? [])
  };
}
function deflateMessage(message) {
  const body = toBinary(MessageSchema, hashedMessage(message));
  const children = message.error === void 0 ? [remember2(message.content, recordDictNode)] : [];
  return finish(makeNode("Message", body, children));
}

// trellis:sdk/each_within.ts
async function eachWithin({ count, weight = Infinity, weightOf = () => 0 }, items, call) {
  const underWay = /* @__PURE__ */ new Set();
  let weightUnderWay = 0;
  for (const item of items) {
    const itemWeight = weightOf(item);
    const isFull = () => underWay.size >= count || weightUnderWay + itemWeight > weight;
    while (underWay.size > 0 && isFull()) await Promise.race(underWay);
    weightUnderWay += itemWeight;
    const done = call(item).then(() => {
      weightUnderWay -= itemWeight;
      underWay.delete(done);
    });
    underWay.add(done);
  }
  await Promise.all(underWay);
}

// trellis:sdk/pull.ts
var MAX_BYTES_UNDER_WAY = 64 * 1024 ** 2;
var MAX_PULLS = 32;
async function pullObjects(entries, pull) {
  const contents = /* @__PURE__ */ new Map();
  await eachWithin(
    {
      count: MAX_PULLS,
      weight: MAX_BYTES_UNDER_WAY,
      weightOf: ({ children }) => children.length === 0 ? MAX_CHUNK_BYTES : 0
    },
    new Map(entries.map((entry) => [entry.objectId, entry])).values(),
    async ({ objectId }) => {
      const content = await pull(objectId);
      if (content !== void 0) contents.set(objectId, content);
    }
  );
  return contents;
}

// trellis:records/carry_room.ts
var CARRY_BYTES = 512 * 1024;
var MAX_OBJECT_BYTES = 32 * 1024;
var CarryRoom = class {
  #leftBytes;
  /** As much as the other side takes, in bytes; 0 where it is not Trellis. */
  constructor(takenBytes) {
    this.#leftBytes = Math.min(Number(takenBytes), CARRY_BYTES);
  }
  /** Whether there is none left. */
  get isFull() {
    return this.#leftBytes <= 0;
  }
  /** Gives an object of this size a place, if it is small. When there was none, the room is full. */
  take(sizeBytes) {
    if (sizeBytes > MAX_OBJECT_BYTES) return false;
    const fits = sizeBytes <= this.#leftBytes;
    this.#leftBytes = fits ? this.#leftBytes - sizeBytes : 0;
    return fits;
  }
};

// trellis:sdk/push.ts
var MAX_BYTES_UNDER_WAY2 = 32 * 1024 ** 2;
var MAX_PUSHES = 8;
async function pushMessages(target, messages) {
  const deflated = messages.map((message) => ({ message, ...deflateMessage(message) }));
  const objects = objectsOf(deflated);
  const room = new CarryRoom(CARRY_BYTES);
  const { messageIds, objectsToPush } = await target.pushMessages(
    deflated.map(({ message, objectId, tree }) => ({
      message: pushedMessage(message, objectId),
      tree
    })),
    objects.filter(({ sizeBytes }) => room.take(sizeBytes)).map(({ objectId, content }) => ({ objectId, content: content() }))
  );
  const wanted = new Set(objectsToPush);
  await eachWithin(
    { count: MAX_PUSHES, weight: MAX_BYTES_UNDER_WAY2, weightOf: ({ sizeBytes }) => sizeBytes },
    objects.filter(({ objectId }) => wanted.has(objectId)),
    (object) => target.pushObject(object.objectId, object.content())
  );
  return messageIds;
}
function objectsOf(deflated) {
  const objects = /* @__PURE__ */ new Map();
  for (const object of deflated.flatMap(({ objects: objects2 }) => objects2)) {
    objects.set(object.objectId, object);
  }
  return [...objects.values()];
}

// trellis:sdk/grid_clock.ts
var systemGridClock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms))
};

// trellis:sdk/grid.ts
var FIRST_PAUSE_MS = 50;
var LAST_PAUSE_MS = 3e3;
var Grid = class {
  runId;
  #api;
  #clock;
  #lastCreatedAtSeconds = 0;
  /** Confirmations that are on their way; comes with what went wrong, if anything did. */
  #confirmed = Promise.resolve();
  constructor(runId, api, clock = systemGridClock) {
    this.runId = runId;
    this.#api = api;
    this.#clock = clock;
  }
  /** The ids of the nodes that are online now. */
  async getNodeIds() {
    return await this.#api.getNodeIds();
  }
  /**
   * Makes an instruction, which is sent by {@linkcode sendAndReceive} or {@linkcode pushMessages}.
   *
   * @throws {RecordError} when the message type is not one of Flower's.
   */
  createMessage(options) {
    return createInstruction({
      ...options,
      runId: this.runId,
      nowSeconds: this.#uniqueNowSeconds()
    });
  }
  /**
   * Sends instructions. Gives their ids in order; an id is empty when the run has no such node.
   */
  async pushMessages(messages) {
    if (messages.length === 0) return [];
    await this.settle();
    return await pushMessages(this.#api, messages);
  }
  /**
   * The replies to the instructions with these ids that are there, each given once. A reply whose
   * objects cannot be had is an error with the code \`MESSAGE_UNAVAILABLE\`.
   *
   * @throws {RecordError} when a reply is malformed.
   */
  async pullMessages(messageIds) {
    if (messageIds.length === 0) return [];
    await this.settle();
    const pulled = (await this.#api.pullMessages(messageIds)).map((envelope2) => ({ envelope: envelope2, entries: postOrder(envelope2.tree) }));
    const entries = pulled.flatMap(({ entries: entries2 }) => entries2);
    const contents = await pullObjects(entries, (objectId) => this.#api.pullObject(objectId));
    this.#confirmed = Promise.all(
      pulled.filter(({ entries: entries2 }) => missingIn(entries2, contents) === void 0).map(({ envelope: envelope2 }) => this.#api.confirmMessage(envelope2.tree.objectId))
    ).then(() => void 0, (error) => error);
    const uses = /* @__PURE__ */ new Map();
    for (const { objectId } of entries) uses.set(objectId, (uses.get(objectId) ?? 0) + 1);
    return pulled.map(({ envelope: envelope2, entries: entries2 }) => {
      const message = this.#receive(envelope2, entries2, contents);
      for (const { objectId } of entries2) {
        const left = (uses.get(objectId) ?? 0) - 1;
        uses.set(objectId, left);
        if (left === 0) contents.delete(objectId);
      }
      return message;
    });
  }
  /**
   * Sends instructions and waits for their replies, in the order in which they come. There are fewer
   * replies than instructions when \`timeoutSeconds\` have passed. Errors count as replies, so look at
   * \`reply.error\`.
   */
  async sendAndReceive(messages, { timeoutSeconds = Infinity, onProgress } = {}) {
    const deadlineMs = this.#clock.nowMs() + timeoutSeconds * 1e3;
    const replies = [];
    const take = (reply) => {
      replies.push(reply);
      onProgress?.({ reply, received: replies.length, expected: messages.length });
    };
    const messageIds = await this.pushMessages(messages);
    messages.forEach((message, index) => {
      if (messageIds[index]) return;
      take(this.#unavailable("", \`The run has no node \${message.metadata.dstNodeId}.\`));
    });
    const open = new Set(messageIds.filter((messageId) => messageId !== ""));
    let pauseMs = FIRST_PAUSE_MS;
    while (open.size > 0 && this.#clock.nowMs() < deadlineMs) {
      const startMs = this.#clock.nowMs();
      for (const reply of await this.pullMessages([...open])) {
        if (!open.delete(reply.metadata.replyToMessageId)) continue;
        take(reply);
        pauseMs = FIRST_PAUSE_MS;
      }
      if (open.size === 0) break;
      const nowMs = this.#clock.nowMs();
      const waitMs = Math.min(startMs + pauseMs, deadlineMs) - nowMs;
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
    }
    return replies;
  }
  /**
   * Waits until the SuperLink knows which replies have arrived, as the next call does. Throws what
   * kept it from that.
   */
  async settle() {
    const error = await this.#confirmed;
    this.#confirmed = Promise.resolve();
    if (error !== void 0) throw error;
  }
  /** Waits, by the clock that the grid was made with. */
  sleep(ms) {
    return this.#clock.sleep(ms);
  }
  #receive({ message, tree }, entries, contents) {
    const missing = missingIn(entries, contents);
    if (missing === void 0) return inflateMessage(tree.objectId, contents);
    return this.#unavailable(
      message.metadata?.replyToMessageId ?? "",
      \`The object \${missing} of the reply could not be pulled.\`
    );
  }
  /** The error that Flower's Grid makes for a reply that it cannot get. */
  #unavailable(replyToMessageId, reason) {
    return {
      metadata: {
        runId: this.runId,
        messageId: "",
        srcNodeId: SUPERLINK_NODE_ID,
        dstNodeId: SUPERLINK_NODE_ID,
        replyToMessageId,
        groupId: "",
        ttlSeconds: 0,
        messageType: "system",
        createdAtSeconds: this.#clock.nowMs() / 1e3
      },
      error: { code: ErrorCode.MESSAGE_UNAVAILABLE, reason }
    };
  }
  /** Two messages that differ in nothing else would have one id. */
  #uniqueNowSeconds() {
    const nowSeconds = this.#clock.nowMs() / 1e3;
    this.#lastCreatedAtSeconds = Math.max(nowSeconds, this.#lastCreatedAtSeconds + 1e-6);
    return this.#lastCreatedAtSeconds;
  }
};
function missingIn(entries, contents) {
  return entries.find(({ objectId }) => !contents.has(objectId))?.objectId;
}

// trellis:sdk/reading.ts
var ReadError = class extends Error {
  name = "ReadError";
};
function arraysOf(content, name = "arrays") {
  return required(content.arrayRecords().get(name), "ArrayRecord", name);
}
function configOf(content, name = "config") {
  return required(content.configRecords().get(name), "ConfigRecord", name);
}
function metricsOf(content, name = "metrics") {
  return required(content.metricRecords().get(name), "MetricRecord", name);
}
function intOf(values, key, fallback) {
  const value = values.get(key) ?? fallback;
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (typeof value === "number" && value === fallback) return value;
  throw wrongType(key, value, "a whole number");
}
function floatOf(values, key, fallback) {
  const value = values.get(key) ?? fallback;
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  throw wrongType(key, value, "a number");
}
function stringOf(values, key, fallback) {
  const value = values.get(key) ?? fallback;
  if (typeof value === "string") return value;
  throw wrongType(key, value, "a text");
}
function booleanOf(values, key, fallback) {
  const value = values.get(key) ?? fallback;
  if (typeof value === "boolean") return value;
  throw wrongType(key, value, "true or false");
}
function float64Of(arrays, key) {
  const array = ndArrayOf(arrays, key);
  if (array.dtype === "float64") return new Float64Array(array.data);
  throw wrongDType(key, array, "float64");
}
function float32Of(arrays, key) {
  const array = ndArrayOf(arrays, key);
  if (array.dtype === "float32") return new Float32Array(array.data);
  throw wrongDType(key, array, "float32");
}
function ndArrayOf(arrays, key) {
  const array = arrays.get(key);
  if (array === void 0) {
    throw new ReadError(\`There is no array '\${key}', only: \${[...arrays.keys()].join(", ")}.\`);
  }
  return array.toNdArray();
}
function required(record, kind, name) {
  if (record === void 0) throw new ReadError(\`The content has no \${kind} called '\${name}'.\`);
  return record;
}
function wrongType(key, value, expected) {
  return value === void 0 ? new ReadError(\`There is no value '\${key}'.\`) : new ReadError(\`The value '\${key}' is \${typeof value}, where \${expected} is expected.\`);
}
function wrongDType(key, { dtype }, expected) {
  return new ReadError(\`The array '\${key}' has the dtype \${dtype}, where \${expected} is expected.\`);
}

// trellis:sdk/server_app.ts
var ServerApp = class {
  #main;
  constructor(main) {
    this.#main = main;
  }
  /** Runs the main function to its end. */
  async run(grid, context) {
    await this.#main(grid, context);
  }
};

// trellis:sdk/strategy/inconsistent_replies.ts
var InconsistentRepliesError = class extends Error {
  name = "InconsistentRepliesError";
};

// trellis:sdk/strategy/aggregate_arrays.ts
function aggregateArrays(records, factors) {
  const sums = /* @__PURE__ */ new Map();
  records.forEach((record, index) => {
    const factor = factors[index] ?? 0;
    for (const [key, array] of record) {
      const value = array.toNdArray();
      const sum = sums.get(key);
      if (sum === void 0) sums.set(key, scaled(value, factor));
      else addScaled(key, sum, value, factor);
    }
  });
  return new ArrayRecord(
    Array.from(sums, ([key, sum]) => [key, FlowerArray.fromNdArray(sum)])
  );
}
function scaled(array, factor) {
  const { dtype, shape, data } = array;
  switch (dtype) {
    case "float16": {
      const half = Math.f16round(factor);
      return { dtype, shape, data: data.map((element) => element * half) };
    }
    case "float32": {
      const single = Math.fround(factor);
      return { dtype, shape, data: data.map((element) => element * single) };
    }
    case "int64":
    case "uint64":
      return {
        dtype: "float64",
        shape,
        data: Float64Array.from(data, (element) => Number(element) * factor)
      };
    default:
      return {
        dtype: "float64",
        shape,
        data: Float64Array.from(data, (element) => element * factor)
      };
  }
}
function addScaled(key, sum, array, factor) {
  const expected = array.dtype === "float16" || array.dtype === "float32" ? array.dtype : "float64";
  if (sum.dtype !== expected || String(sum.shape) !== String(array.shape)) {
    throw new InconsistentRepliesError(
      \`The array '\${key}' is \${describe(sum)} in one reply and \${describe(array)} in another.\`
    );
  }
  if (sum.dtype === "float16" && array.dtype === "float16") {
    addHalves(sum.data, array.data, Math.f16round(factor));
  } else if (sum.dtype === "float32" && array.dtype === "float32") {
    addSingles(sum.data, array.data, Math.fround(factor));
  } else if (sum.dtype === "float64" && array.dtype !== "float16" && array.dtype !== "float32") {
    const isBig = array.dtype === "int64" || array.dtype === "uint64";
    addDoubles(sum.data, isBig ? Float64Array.from(array.data, Number) : array.data, factor);
  }
}
function addHalves(sum, elements, factor) {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = Math.fround((sum[i] ?? 0) + Math.f16round((elements[i] ?? 0) * factor));
  }
}
function addSingles(sum, elements, factor) {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = (sum[i] ?? 0) + Math.fround((elements[i] ?? 0) * factor);
  }
}
function addDoubles(sum, elements, factor) {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (elements[i] ?? 0) * factor;
}
function describe({ dtype, shape }) {
  return \`\${dtype} of shape (\${shape.join(", ")})\`;
}

// trellis:sdk/strategy/aggregate_metrics.ts
function aggregateMetrics(records, factors, weightedByKey) {
  const sums = /* @__PURE__ */ new Map();
  records.forEach((record, index) => {
    const factor = factors[index] ?? 0;
    for (const [key, value] of record) {
      if (key !== weightedByKey) sums.set(key, add(key, sums.get(key), scale(value, factor)));
    }
  });
  return new MetricRecord(sums);
}
function weightFactors(records, weightedByKey) {
  const weights = records.map((record) => {
    const weight = record.get(weightedByKey);
    if (typeof weight === "bigint" || typeof weight === "number") return Number(weight);
    throw new InconsistentRepliesError(
      \`The metric '\${weightedByKey}', which replies are weighted by, must be a single number.\`
    );
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(Math.abs(total) > 0)) {
    throw new InconsistentRepliesError(
      \`The metric '\${weightedByKey}', which replies are weighted by, adds up to \${total}.\`
    );
  }
  return weights.map((weight) => weight / total);
}
function scale(value, factor) {
  return typeof value === "bigint" || typeof value === "number" ? Number(value) * factor : value.map((element) => Number(element) * factor);
}
function add(key, sum, value) {
  if (sum === void 0) return value;
  if (typeof sum === "number" && typeof value === "number") return sum + value;
  if (typeof sum !== "number" && typeof value !== "number" && sum.length === value.length) {
    return sum.map((element, index) => element + (value[index] ?? 0));
  }
  throw new InconsistentRepliesError(\`The metric '\${key}' has not the same shape in all replies.\`);
}

// trellis:sdk/strategy/replies.ts
function sortReplies(replies) {
  return {
    contents: replies.flatMap(({ content }) => content ?? []),
    errors: replies.flatMap(
      ({ metadata, error }) => error === void 0 ? [] : [{ nodeId: metadata.srcNodeId, reason: error.reason }]
    )
  };
}
function onlyArrays(contents) {
  return onlyRecords("ArrayRecord", contents.map((content) => content.arrayRecords()));
}
function onlyMetrics(contents) {
  return onlyRecords("MetricRecord", contents.map((content) => content.metricRecords()));
}
function onlyRecords(kind, perReply) {
  const named = perReply.map((records) => {
    const [first, ...more] = records;
    if (first === void 0 || more.length > 0) {
      throw new InconsistentRepliesError(
        \`Each reply must hold exactly one \${kind}, and one holds \${records.size}.\`
      );
    }
    return first;
  });
  const [[expectedName, expected] = ["", void 0]] = named;
  const expectedKeys = new Set(expected?.keys());
  for (const [name, record] of named) {
    const keys = new Set(record.keys());
    if (name !== expectedName || keys.symmetricDifference(expectedKeys).size > 0) {
      throw new InconsistentRepliesError(
        \`The \${kind}s of all replies must have the same name and keys; there are '\${expectedName}' with \${list(expectedKeys)} and '\${name}' with \${list(keys)}.\`
      );
    }
  }
  return named.map(([, record]) => record);
}
function list(keys) {
  return keys.size === 0 ? "nothing" : [...keys].map((key) => \`'\${key}'\`).join(", ");
}

// trellis:sdk/strategy/sampling.ts
function sampleSize({ fraction, minNodes }, onlineNodes) {
  return Math.max(Math.floor(onlineNodes * fraction), minNodes);
}
function sample(items, size, random) {
  const left = [...items];
  const sampled = [];
  while (sampled.length < size && left.length > 0) {
    sampled.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return sampled;
}

// trellis:sdk/strategy/result.ts
var StrategyResult = class {
  /** The model after the last round that changed it. */
  arrays = new ArrayRecord();
  /** What ClientApps measured in training, aggregated. */
  trainMetricsClientApp = /* @__PURE__ */ new Map();
  /** What ClientApps measured in evaluation, aggregated. */
  evaluateMetricsClientApp = /* @__PURE__ */ new Map();
  /** What the ServerApp's own evaluation measured; round 0 is the initial model. */
  evaluateMetricsServerApp = /* @__PURE__ */ new Map();
};
function describeMetrics(metrics) {
  const entries = Array.from(metrics, ([key, value]) => \`\${key}: \${value}\`);
  return \`{ \${entries.join(", ")} }\`;
}

// trellis:sdk/strategy/strategy.ts
var DEFAULT_ROUNDS = 3;
var DEFAULT_TIMEOUT_SECONDS = 3600;
var Strategy = class {
  /** Plays the rounds, and prints how they go. */
  async start(options) {
    const { grid, numRounds = DEFAULT_ROUNDS, evaluate } = options;
    const trainConfig = options.trainConfig ?? new ConfigRecord();
    const evaluateConfig = options.evaluateConfig ?? new ConfigRecord();
    const send = (messages) => grid.sendAndReceive(messages, {
      timeoutSeconds: options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS
    });
    const result = new StrategyResult();
    const startMs = performance.now();
    result.arrays = options.initialArrays;
    console.log(
      \`Starting \${this.constructor.name}: \${numRounds} rounds, \${sizeOf(result.arrays)}.\`
    );
    await evaluateCentrally(evaluate, 0, result);
    for (let round = 1; round <= numRounds; round++) {
      console.log(\`
[ROUND \${round}/\${numRounds}]\`);
      const phase = () => ({ round, arrays: result.arrays, grid });
      const trained = this.aggregateTrain(
        round,
        await send(await this.configureTrain({ ...phase(), config: trainConfig }))
      );
      if (trained.arrays !== void 0) result.arrays = trained.arrays;
      note("train", round, trained.metrics, result.trainMetricsClientApp);
      const evaluated = this.aggregateEvaluate(
        round,
        await send(await this.configureEvaluate({ ...phase(), config: evaluateConfig }))
      );
      note("evaluate", round, evaluated, result.evaluateMetricsClientApp);
      await evaluateCentrally(evaluate, round, result);
    }
    const seconds = (performance.now() - startMs) / 1e3;
    console.log(\`
\${this.constructor.name} finished in \${seconds.toFixed(2)} s.\`);
    return result;
  }
};
async function evaluateCentrally(evaluate, round, { arrays, evaluateMetricsServerApp }) {
  note("central evaluation", round, await evaluate?.(round, arrays), evaluateMetricsServerApp);
}
function note(phase, round, metrics, history) {
  if (metrics === void 0) return;
  history.set(round, metrics);
  console.log(\`  \${phase}: \${describeMetrics(metrics)}\`);
}
function sizeOf(arrays) {
  const sizeBytes = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  return \`a model of \${(sizeBytes / 1024 ** 2).toFixed(2)} MiB\`;
}

// trellis:sdk/strategy/fed_avg.ts
var NODES_POLL_MS = 1e3;
var ROUND_KEY = "server-round";
var FedAvg = class extends Strategy {
  #train;
  #evaluate;
  #weightedByKey;
  #arrayRecordKey;
  #configRecordKey;
  #random;
  /** @throws {RangeError} when a fraction is not from 0 to 1, or a number of nodes not from 0. */
  constructor(options = {}) {
    super();
    const { minAvailableNodes = 2 } = options;
    this.#train = checked({
      fraction: options.fractionTrain ?? 1,
      minNodes: options.minTrainNodes ?? 2,
      minAvailableNodes
    });
    this.#evaluate = checked({
      fraction: options.fractionEvaluate ?? 1,
      minNodes: options.minEvaluateNodes ?? 2,
      minAvailableNodes
    });
    this.#weightedByKey = options.weightedByKey ?? "num-examples";
    this.#arrayRecordKey = options.arrayRecordKey ?? "arrays";
    this.#configRecordKey = options.configRecordKey ?? "config";
    this.#random = options.random ?? Math.random;
  }
  configureTrain(phase) {
    return this.#configure(phase, MessageCategory.TRAIN, this.#train);
  }
  configureEvaluate(phase) {
    return this.#configure(phase, MessageCategory.EVALUATE, this.#evaluate);
  }
  /** @throws {InconsistentRepliesError} when replies do not hold the same records and values. */
  aggregateTrain(_round, replies) {
    const contents = goodContents(MessageCategory.TRAIN, replies);
    if (contents.length === 0) return {};
    const arrays = onlyArrays(contents);
    const metrics = onlyMetrics(contents);
    const factors = weightFactors(metrics, this.#weightedByKey);
    return {
      arrays: aggregateArrays(arrays, factors),
      metrics: aggregateMetrics(metrics, factors, this.#weightedByKey)
    };
  }
  /** @throws {InconsistentRepliesError} when replies do not hold the same records and values. */
  aggregateEvaluate(_round, replies) {
    const contents = goodContents(MessageCategory.EVALUATE, replies);
    if (contents.length === 0) return void 0;
    const metrics = onlyMetrics(contents);
    return aggregateMetrics(
      metrics,
      weightFactors(metrics, this.#weightedByKey),
      this.#weightedByKey
    );
  }
  async #configure({ round, arrays, config, grid }, messageType, rule) {
    if (rule.fraction === 0) return [];
    const nodeIds = await this.#sampleNodes(grid, rule, messageType);
    const content = new RecordDict([
      [this.#arrayRecordKey, arrays],
      [this.#configRecordKey, withRound(config, round)]
    ]);
    return nodeIds.map((dstNodeId) => grid.createMessage({ dstNodeId, messageType, content }));
  }
  async #sampleNodes(grid, rule, messageType) {
    for (; ; ) {
      const online = await grid.getNodeIds();
      const size = sampleSize(rule, online.length);
      const required2 = Math.max(rule.minAvailableNodes, size);
      if (online.length >= required2) {
        console.log(\`  \${messageType}: sampled \${size} nodes of \${online.length}\`);
        return sample(online, size, this.#random);
      }
      console.log(\`  Waiting for nodes: \${online.length} online, \${required2} required.\`);
      await grid.sleep(NODES_POLL_MS);
    }
  }
};
function checked(rule) {
  if (!(rule.fraction >= 0 && rule.fraction <= 1)) {
    throw new RangeError(\`A fraction of nodes is from 0 to 1, not \${rule.fraction}.\`);
  }
  for (const nodes of [rule.minNodes, rule.minAvailableNodes]) {
    if (!Number.isInteger(nodes) || nodes < 0) {
      throw new RangeError(\`A number of nodes is a whole number from 0, not \${nodes}.\`);
    }
  }
  return rule;
}
function withRound(config, round) {
  return new ConfigRecord(new Map(config).set(ROUND_KEY, BigInt(round)));
}
function goodContents(phase, replies) {
  const { contents, errors } = sortReplies(replies);
  if (replies.length === 0) return contents;
  console.log(\`  \${phase}: \${contents.length} results, \${errors.length} failures\`);
  for (const { nodeId, reason } of errors) console.log(\`    node \${nodeId}: \${reason}\`);
  return contents;
}

// trellis:records/reply.ts
var TTL_TOLERANCE_SECONDS = 0.1;
function createReply(instruction, content, options) {
  return { metadata: replyMetadata(instruction, options), content };
}
function replyMetadata(instruction, options) {
  const { nowSeconds, ttlSeconds } = options;
  const leftSeconds = instruction.createdAtSeconds + instruction.ttlSeconds - nowSeconds;
  const fits = ttlSeconds !== void 0 && ttlSeconds !== 0 && ttlSeconds - leftSeconds <= TTL_TOLERANCE_SECONDS;
  return {
    runId: instruction.runId,
    messageId: "",
    srcNodeId: instruction.dstNodeId,
    dstNodeId: instruction.srcNodeId,
    replyToMessageId: instruction.messageId,
    groupId: instruction.groupId,
    ttlSeconds: fits ? ttlSeconds : leftSeconds,
    messageType: instruction.messageType,
    createdAtSeconds: nowSeconds,
    ...instruction.dstTaskId !== void 0 && { srcTaskId: instruction.dstTaskId },
    ...instruction.srcTaskId !== void 0 && { dstTaskId: instruction.srcTaskId }
  };
}

// trellis:records/scalar_map.ts
function userConfigFromProto(proto) {
  const config = /* @__PURE__ */ new Map();
  for (const [key, { scalar }] of Object.entries(proto)) {
    if (scalar.case === void 0 || scalar.case === "bytes") {
      throw new RecordError(\`The config entry '\${key}' is not a bool, int, float or str.\`);
    }
    config.set(key, scalar.value);
  }
  return config;
}
function userConfigToProto(config) {
  return Object.fromEntries(
    Array.from(config, ([key, value]) => [
      key,
      create(ScalarSchema, { scalar: toScalar(key, value) })
    ])
  );
}
function toScalar(key, value) {
  if (typeof value === "boolean") return { case: "bool", value };
  if (typeof value === "number") return { case: "double", value };
  if (typeof value === "string") return { case: "string", value };
  if (!isRepresentable(value)) {
    throw new RecordError(\`The value of '\${key}' does not fit int64 or uint64.\`);
  }
  return { case: needsUint64(value) ? "uint64" : "sint64", value };
}

// trellis:records/context.ts
function contextFromProto(proto) {
  return {
    runId: proto.runId,
    nodeId: proto.nodeId,
    nodeConfig: userConfigFromProto(proto.nodeConfig),
    state: proto.state === void 0 ? new RecordDict() : RecordDict.fromProto(proto.state),
    runConfig: userConfigFromProto(proto.runConfig),
    seriesId: proto.seriesId,
    ...proto.$unknown !== void 0 && { unknownFields: proto.$unknown }
  };
}
function contextToProto(context) {
  const proto = create(ContextSchema, {
    runId: context.runId,
    nodeId: context.nodeId,
    nodeConfig: userConfigToProto(context.nodeConfig),
    state: context.state.toProto(),
    runConfig: userConfigToProto(context.runConfig),
    seriesId: context.seriesId
  });
  if (context.unknownFields !== void 0) proto.$unknown = [...context.unknownFields];
  return proto;
}

// trellis:sdk/context.ts
function decodeContext(bytes) {
  const wire = contextFromProto(fromBinary(ContextSchema, bytes));
  const { runId, nodeId, nodeConfig, runConfig } = wire;
  const context = { runId, nodeId, nodeConfig, runConfig, state: new Map(wire.state) };
  return {
    context,
    encode: () => toBinary(
      ContextSchema,
      contextToProto({ ...wire, state: new RecordDict(context.state) })
    )
  };
}

// trellis:sdk/runtime/console_mirror.ts
import { format } from "node:util";
function mirrorConsole(target, print) {
  const counts = /* @__PURE__ */ new Map();
  const timersMs = /* @__PURE__ */ new Map();
  let indent = "";
  const line = (stream, args) => {
    const text = format(...args);
    print(stream, \`\${indent}\${text.replaceAll("\\n", \`
\${indent}\`)}
\`);
  };
  const out = (...args) => line("stdout", args);
  const err = (...args) => line("stderr", args);
  const group = (...args) => {
    if (args.length > 0) out(...args);
    indent += "  ";
  };
  const elapsed = (label, more = []) => {
    const startMs = timersMs.get(label);
    if (startMs === void 0) err(\`The timer '\${label}' was not started.\`);
    else out(\`\${label}: \${(performance.now() - startMs).toFixed(3)} ms\`, ...more);
  };
  Object.assign(target, {
    log: out,
    info: out,
    debug: out,
    dir: (value) => out(value),
    dirxml: out,
    table: (value) => out(value),
    warn: err,
    error: err,
    trace: (...args) => err("Trace:", ...args),
    assert: (condition, ...args) => {
      if (!condition) err("Assertion failed", ...args);
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = indent.slice(2);
    },
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      out(\`\${label}: \${counts.get(label)}\`);
    },
    countReset: (label = "default") => counts.delete(label),
    time: (label = "default") => timersMs.set(label, performance.now()),
    timeLog: (label = "default", ...args) => elapsed(label, args),
    timeEnd: (label = "default") => {
      elapsed(label);
      timersMs.delete(label);
    }
  });
}

// trellis:sdk/runtime/hand_over.ts
var MIN_OWN_BYTES = 64 * 1024;
var MAX_FRAME_BYTES = 1024;
function handOver(bytes, transfer) {
  const { buffer, byteLength } = bytes;
  const ownsBuffer = byteLength === buffer.byteLength || byteLength >= MIN_OWN_BYTES && buffer.byteLength - byteLength <= MAX_FRAME_BYTES;
  if (ownsBuffer && buffer instanceof ArrayBuffer) {
    transfer.push(buffer);
    return bytes;
  }
  const copy = new Uint8Array(bytes);
  transfer.push(copy.buffer);
  return copy;
}

// trellis:sdk/runtime/host_api.ts
var HostApi = class {
  #post;
  #waiting = /* @__PURE__ */ new Map();
  #lastId = 0;
  constructor(post) {
    this.#post = post;
  }
  /** Takes an answer of the host. */
  settle(answer2) {
    const waiting = this.#waiting.get(answer2.id);
    this.#waiting.delete(answer2.id);
    if (answer2.kind === "answer") waiting?.resolve(answer2.answer);
    else waiting?.reject(new Error(answer2.reason));
  }
  async getNodeIds() {
    return await this.#ask((id) => ({
      kind: "call",
      id,
      method: "getNodeIds",
      request: null
    }));
  }
  async pushMessages(envelopes, carried) {
    const request = envelopes.map(encodeEnvelope);
    return await this.#ask((id) => ({
      kind: "call",
      id,
      method: "pushMessages",
      request,
      carried
    }));
  }
  async pushObject(objectId, content) {
    const transfer = [];
    const request = { objectId, content: handOver(content, transfer) };
    await this.#ask(
      (id) => ({ kind: "call", id, method: "pushObject", request }),
      transfer
    );
  }
  async pullMessages(messageIds) {
    const envelopes = await this.#ask((id) => ({
      kind: "call",
      id,
      method: "pullMessages",
      request: messageIds
    }));
    return envelopes.map(decodeEnvelope);
  }
  async pullObject(objectId) {
    const content = await this.#ask((id) => ({
      kind: "call",
      id,
      method: "pullObject",
      request: objectId
    }));
    return content ?? void 0;
  }
  async confirmMessage(messageId) {
    await this.#ask((id) => ({
      kind: "call",
      id,
      method: "confirmMessage",
      request: messageId
    }));
  }
  #ask(makeCall, transfer = []) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post(makeCall(id), transfer);
    });
  }
};
function encodeEnvelope({ message, tree }) {
  return { message: toBinary(MessageSchema, message), tree: toBinary(ObjectTreeSchema, tree) };
}
function decodeEnvelope({ message, tree }) {
  return { message: fromBinary(MessageSchema, message), tree: fromBinary(ObjectTreeSchema, tree) };
}

// trellis:sdk/runtime/protocol.ts
var PROTOCOL_VERSION = 1;

// trellis:sdk/runtime/serve_app.ts
function serveApp(reference, load) {
  const scope = globalThis;
  if (!isWorkerScope(scope)) throw new TypeError("A bundled app runs in a worker only.");
  const post = scope.postMessage.bind(scope);
  const api = new HostApi(post);
  scope.onmessage = ({ data }) => {
    if (data.kind === "start") void run(data, reference, load, api, post);
    else api.settle(data);
  };
  mirrorConsole(console, (stream, text) => post({ kind: "log", stream, text }));
  reportExits(scope, post);
  post({ kind: "ready", protocol: PROTOCOL_VERSION });
}
async function run(start, reference, load, api, post) {
  let decoded;
  try {
    decoded = decodeContext(start.context);
    const app = await load();
    if (start.app === "serverapp" && app instanceof ServerApp) {
      const grid = new Grid(decoded.context.runId, api);
      await app.run(grid, decoded.context);
      await grid.settle();
    } else if (start.app === "clientapp" && app instanceof ClientApp) {
      await answer(start, app, decoded, api);
    } else throw new LoadError(reference, start.app);
    post({ kind: "finished", context: decoded.encode() });
  } catch (error) {
    post(failure(error, decoded));
  }
}
async function answer({ instruction }, app, { context }, api) {
  if (instruction === void 0) throw new TypeError("The host sent no instruction.");
  const message = inflateMessage(instruction.messageId, instruction.contents);
  instruction.contents.clear();
  const content = await app.handle(message, context);
  const nowSeconds = Date.now() / 1e3;
  await pushMessages(api, [createReply(message.metadata, content, { nowSeconds })]);
}
var LoadError = class extends Error {
  name = "LoadError";
  constructor(reference, app) {
    super(\`"\${reference}" is no \${app === "serverapp" ? "ServerApp" : "ClientApp"}.\`);
  }
};
function failure(thrown, decoded) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    kind: "failed",
    stage: error instanceof LoadError ? "load" : "run",
    name: error.name,
    message: error.message,
    stack: error.stack ?? String(error),
    context: decoded && contextAfterFailure(decoded)
  };
}
function contextAfterFailure({ encode }) {
  try {
    return encode();
  } catch {
    return void 0;
  }
}
function reportExits(scope, post) {
  const report = (what) => {
    const message = \`The app called \${what}, which ends nothing but itself.\`;
    post({ kind: "failed", stage: "run", name: "ExitError", message, stack: message });
    throw new Error(message);
  };
  scope.close = () => report("close()");
  Deno.exit = (code) => report(\`Deno.exit(\${code ?? ""})\`);
}
function isWorkerScope(scope) {
  return typeof scope === "object" && scope !== null && "postMessage" in scope && "WorkerGlobalScope" in scope;
}
export {
  ArrayRecord,
  ClientApp,
  ConfigRecord,
  ErrorCode,
  FedAvg,
  FlowerArray,
  Grid,
  InconsistentRepliesError,
  MetricRecord,
  NoHandlerError,
  ReadError,
  RecordDict,
  RecordError,
  ServerApp,
  Strategy,
  StrategyResult,
  arraysOf,
  booleanOf,
  configOf,
  float32Of,
  float64Of,
  floatOf,
  intOf,
  metricsOf,
  ndArray,
  ndArrayOf,
  serveApp,
  stringOf
};
`;

/** Hex SHA-256 over the sources that the module names, to see whether it is up to date. */
export const SDK_SOURCES_HASH = "5d61be28857ee732e79dff3c14f2c111c15675e207e323aafd6d534be301ab81";
