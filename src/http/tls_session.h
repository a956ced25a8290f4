// SPDX-License-Identifier: Apache-2.0
// One TLS connection without its socket: sealed bytes in, sealed bytes out, so that a whole batch
// goes out with one send and the transport stays replaceable. For one thread at a time.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace valetkey::http {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

class TlsSession {
 public:
  enum class Step : std::uint8_t { done, want_read, closed, failed };

  // `ssl` with its role set (accept or connect state).
  explicit TlsSession(std::unique_ptr<SSL, FreeSsl> ssl);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Step handshake();
  // done: `got` bytes are in `out`. closed: the peer said goodbye, no truncation.
  Step read(std::span<char> out, std::size_t& got);
  // Seals `plain` into outgoing().
  [[nodiscard]] bool write(std::string_view plain);
  void say_goodbye();

  // Where sealed bytes from the network go; only while want_read. received() says how many came.
  std::span<char> incoming();
  void received(std::size_t bytes);
  // What is to be sent. sent() takes from its front.
  std::string_view outgoing() const { return std::string_view(out_).substr(out_sent_); }
  void sent(std::size_t bytes);
  void trim();  // gives back what a large batch took
  SSL* ssl() const { return ssl_.get(); }

 private:
  friend struct SessionBio;  // the BIO that reads incoming bytes and appends to out_
  Step step_of(int result);

  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::unique_ptr<char[]> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::string out_;
  std::size_t out_sent_ = 0;
};

}  // namespace valetkey::http
