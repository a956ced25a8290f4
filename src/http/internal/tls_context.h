// SPDX-License-Identifier: Apache-2.0
// What the listener and the client need of TLS beyond tls.h.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "http/tls.h"
#include "http/tls_session.h"

namespace valetkey::http {

// A server-side session with the certificate now in force. `context` must come from
// TlsContext::load.
std::unique_ptr<SSL, FreeSsl> accept_session(TlsContext& context);

// Certificates to trust: those of `ca_file`, or where empty the ones OpenSSL finds by itself
// (SSL_CERT_FILE, SSL_CERT_DIR, the system's).
Result<std::unique_ptr<SSL_CTX, FreeSsl>> make_client_context(const std::string& ca_file);
// A session that verifies the peer's certificate for `host`, a name or an address.
std::unique_ptr<SSL, FreeSsl> connect_session(SSL_CTX& context, const std::string& host);

// OpenSSL's first queued reason, or `otherwise`; empties the queue.
std::string tls_reason(std::string_view otherwise);

}  // namespace valetkey::http
