// Package signature checks that an image's bytes are those that somebody has
// signed, by the properties that Glance's users know: img_signature,
// img_signature_hash_method, img_signature_key_type and
// img_signature_certificate_uuid. The image store (server/image) calls it while
// it takes bytes in.
//
// The names, the encodings and what is hashed are those of OpenStack's cursive:
// what its tools or openssl have signed is accepted here. Curves over binary
// fields and DSA are refused by name: Go's standard library does not offer them, or
// not any more for good reasons.
//
// Whose certificate counts is a Trust's decision:
//
//   - One that the operator has put into the trust directory as UUID.pem counts for
//     itself while it is valid.
//   - One from the credential store counts if it leads to an authority in the trust
//     directory.
//   - Without a trust directory one from the credential store counts while it is
//     valid. It proves that the bytes are what the holder of its key has signed, and
//     that the uploader has put the certificate there. It does not prove who that is.
//
// Invariants:
//
//	I1  Verify succeeds only for bytes whose signature by the certificate's key is right.
//	I2  A certificate counts only while it is valid, and only for signing.
//	I3  What is read is bounded: certificates, keys, the trust directory.
//
// It imports the standard library only.
package signature
