// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <ctime>
#include <mutex>
#include <new>

#include "base/file.h"
#include "base/secret.h"
#include "http/internal/tls_context.h"
#include "http/message.h"

namespace valetkey::http {
namespace {

using Context = std::unique_ptr<SSL_CTX, FreeSsl>;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// TLS 1.2 with forward secrecy and authenticated encryption only, and TLS 1.3.
Context make_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method));
  if (!context) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

Result<Secret> read_key(const std::filesystem::path& path) {
  VALETKEY_TRY(FileDescriptor file, open_file(path, O_RDONLY));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno(path.string());
  // Root may let the server's group read a key of root's: so it is handed to a container.
  const bool from_root = status.st_uid == 0 && ::geteuid() != 0;
  if ((status.st_mode & (from_root ? 037U : 077U)) != 0)
    return fail(ErrorCode::denied, path.string() +
                                       ": the private key can be read by others than its "
                                       "owner; run chmod 600 on it");
  constexpr off_t kMaxKeyBytes = 64 * 1024;
  if (status.st_size > kMaxKeyBytes)
    return fail(ErrorCode::invalid, path.string() + ": too large for a private key");
  std::string pem(static_cast<std::size_t>(status.st_size), '\0');
  VALETKEY_CHECK(read_exactly(file.get(), 0, pem, path.string()));
  return Secret(std::move(pem));
}

int no_passphrase(char*, int, int, void*) { return -1; }

Result<void> use_key(SSL_CTX* context, const std::filesystem::path& path) {
  VALETKEY_TRY(const Secret pem, read_key(path));
  const std::unique_ptr<BIO, FreeKey> bio(
      BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return fail(ErrorCode::invalid, path.string() + ": not an unencrypted PEM private key: " +
                                        tls_reason("unreadable"));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(
        ErrorCode::invalid,
        path.string() + ": the key does not belong to the certificate: " + tls_reason("mismatch"));
  return {};
}

Result<Context> load_context(const std::filesystem::path& certificate,
                             const std::filesystem::path& key) {
  Context context = make_context(TLS_server_method());
  // OpenSSL does not say clearly that a file cannot be opened.
  VALETKEY_TRY(const FileDescriptor readable, open_file(certificate, O_RDONLY));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1)
    return fail(ErrorCode::invalid, certificate.string() + ": not a PEM certificate chain: " +
                                        tls_reason("unreadable"));
  VALETKEY_CHECK(use_key(context.get(), key));
  return context;
}

class TlsFiles final : public TlsContext {
 public:
  TlsFiles(std::filesystem::path certificate, std::filesystem::path key, Context context)
      : certificate_(std::move(certificate)), key_(std::move(key)), context_(std::move(context)) {}

  Result<void> reload() override {
    VALETKEY_TRY(Context context, load_context(certificate_, key_));
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);  // sessions hold a reference of their own to the former one
    return {};
  }

  Timestamp not_after() const override {
    const std::lock_guard lock(mutex_);
    std::tm tm{};
    ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context_.get())), &tm);
    return Timestamp(seconds(timegm(&tm)));
  }

  std::unique_ptr<SSL, FreeSsl> session() {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
    if (!ssl) throw std::bad_alloc();
    SSL_set_accept_state(ssl.get());
    return ssl;
  }

 private:
  const std::filesystem::path certificate_, key_;
  mutable std::mutex mutex_;
  Context context_;
};

}  // namespace

std::string tls_reason(std::string_view otherwise) {
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  const char* reason = first == 0 ? nullptr : ERR_reason_error_string(first);
  return reason == nullptr ? std::string(otherwise) : std::string(reason);
}

Result<std::shared_ptr<TlsContext>> TlsContext::load(std::filesystem::path certificate,
                                                     std::filesystem::path key) {
  VALETKEY_TRY(Context context, load_context(certificate, key));
  return std::make_shared<TlsFiles>(std::move(certificate), std::move(key), std::move(context));
}

std::unique_ptr<SSL, FreeSsl> accept_session(TlsContext& context) {
  return static_cast<TlsFiles&>(context).session();
}

Result<Context> make_client_context(const std::string& ca_file) {
  Context context = make_context(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool loaded = ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                          : SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) == 1;
  if (!loaded)
    return fail(ErrorCode::invalid,
                (ca_file.empty() ? "the system's certificates" : ca_file) +
                    ": no PEM certificates to trust: " + tls_reason("unreadable"));
  return context;
}

std::unique_ptr<SSL, FreeSsl> connect_session(SSL_CTX& context, const std::string& host) {
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(&context));
  if (!ssl) throw std::bad_alloc();
  SSL_set_connect_state(ssl.get());
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl.get());
  if (Address::parse(host)) {  // RFC 6066: no server name for addresses
    X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(verify, host.data(), host.size());
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  }
  return ssl;
}

}  // namespace valetkey::http
