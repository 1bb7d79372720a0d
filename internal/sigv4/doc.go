// Package sigv4 says who signed a request: it verifies AWS Signature Version 4, in the Authorization header or in the query
// string, with the error codes, texts and order of checks that AWS's JSON services answer with. It also signs, for our own
// clients.
//
// The rules are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// for every service but S3: the path is URI-encoded twice, and the payload hash is always that of the body.
//
// What a valid signature covers: the method, the path, the query, the body, the date, the scope, and those headers that
// the caller chose to sign, which Result.SignedHeaders names. Of these only two are insisted on, host and the header that the
// date was read from. In particular
//
//   - x-amz-target need not be signed: AWS does not insist, and hand-written signers leave it out.
//   - x-amz-security-token need not be signed: services exist for which AWS tells clients to add it after signing, and
//     an exchanged token gains nothing, because a Lookup accepts a token only together with its own access key.
//   - x-amz-content-sha256, signed or not, must be the hash of the body: a claim about the payload is never ignored.
package sigv4
