// SPDX-License-Identifier: Apache-2.0
#include "http/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace valetkey::http {
namespace {

constexpr std::size_t kIncomingBytes = 17 * 1024;  // a TLS record and its frame
constexpr std::size_t kKeptOutBytes = 32 * 1024;   // a quiet connection keeps no batch's worth

}  // namespace

// OpenSSL's own memory BIO wipes its whole buffer at every reset and copies what it reads twice.
struct SessionBio {
  static int read(BIO* bio, char* out, int wanted) {
    auto* session = static_cast<TlsSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::size_t n = std::min(static_cast<std::size_t>(std::max(wanted, 0)),
                                   session->in_end_ - session->in_begin_);
    if (n == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(out, session->in_.get() + session->in_begin_, n);
    session->in_begin_ += n;
    return static_cast<int>(n);
  }
  static int write(BIO* bio, const char* bytes, int count) {
    BIO_clear_retry_flags(bio);
    if (count > 0)
      static_cast<TlsSession*>(BIO_get_data(bio))
          ->out_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "session");
      if (made == nullptr) throw std::bad_alloc();
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      BIO_meth_set_create(made, create);
      return made;
    }();
    return kMethod;
  }
};

TlsSession::TlsSession(std::unique_ptr<SSL, FreeSsl> ssl)
    : ssl_(std::move(ssl)), in_(std::make_unique_for_overwrite<char[]>(kIncomingBytes)) {
  BIO* bio = BIO_new(SessionBio::method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::Step TlsSession::step_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    default:
      return Step::failed;
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Step::done : step_of(result);
}

TlsSession::Step TlsSession::read(std::span<char> out, std::size_t& got) {
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_.get(), out.data(), out.size(), &got);
  return result == 1 ? Step::done : step_of(result);
}

bool TlsSession::write(std::string_view plain) {
  if (plain.empty()) return true;
  ERR_clear_error();
  std::size_t written = 0;
  return SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) == 1 &&
         written == plain.size();
}

void TlsSession::say_goodbye() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

std::span<char> TlsSession::incoming() {
  std::memmove(in_.get(), in_.get() + in_begin_, in_end_ - in_begin_);
  in_end_ -= in_begin_;
  in_begin_ = 0;
  return {in_.get() + in_end_, kIncomingBytes - in_end_};
}

void TlsSession::received(std::size_t bytes) { in_end_ += bytes; }

void TlsSession::sent(std::size_t bytes) {
  out_sent_ += bytes;
  if (out_sent_ < out_.size()) return;
  out_sent_ = 0;
  out_.clear();
}

void TlsSession::trim() {
  if (out_.empty() && out_.capacity() > kKeptOutBytes) out_.shrink_to_fit();
}

}  // namespace valetkey::http
