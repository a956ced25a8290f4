// SPDX-License-Identifier: Apache-2.0
// One client's connection: reads requests, has them answered, writes the answers, in order, until
// either side has enough. Everything on the thread of its loop.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>

#include "http/body_memory.h"
#include "http/internal/chunked.h"
#include "http/internal/head.h"
#include "http/internal/loop_state.h"
#include "http/internal/proxies.h"
#include "http/internal/tls_context.h"
#include "http/server.h"
#include "http/stream.h"

namespace valetkey::http {

// What the connections of one listener share. Outlives them (shared_ptr: they end at their own
// pace).
struct ListenerContext {
  ListenerOptions options;
  TrustedProxies proxies;
  Handler& handler;
  Observer& observer;
  const Clock& clock;
  std::shared_ptr<TlsContext> tls;
  asio::thread_pool& blocking;
};

class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(std::shared_ptr<ListenerContext> context, std::shared_ptr<LoopState> state,
             Socket socket, Address peer);
  // Until the connection has ended. Does not throw.
  Task<void> run();
  // Answers 503 to a client that is one too many.
  Task<void> turn_away();

  void drain();  // ends it now if no request is under way, else after the answer
  void abort();

 private:
  enum class Body : std::uint8_t { complete, unread, slow, malformed, gone, no_room };
  enum class Head : std::uint8_t { complete, gone, malformed, slow, too_large };

  Task<Head> read_head();
  Head take_head(std::size_t bytes);  // what was found to be one
  bool make_room();
  void start_request();
  Task<Body> read_body();
  Task<Body> read_sized_body(std::uint64_t length);
  Task<Body> read_chunked_body(std::size_t max_bytes);
  void begin_body();
  // More memory for the body; false: it must end here. What it waits is not the client's time.
  Task<bool> hold(std::size_t bytes, SteadyTime& begun);
  Task<bool> grow_body(std::size_t bytes, SteadyTime& begun);
  Body end_of_body(Io io) const;
  void drop_body();
  SteadyTime body_deadline(SteadyTime begun, std::uint64_t received) const;

  Task<bool> serve_one();
  void log_thrown(const std::exception& error) const;  // by a handler
  bool closes_after(const Response& response) const;
  static int status_of(Head fault);
  static int status_of(Body fault);
  // Of a request whose head was not understood, before refuse().
  void forget_head();
  Task<void> refuse(int status);
  // False if the connection cannot go on: the answer could not be sent whole, or we said close.
  Task<bool> answer(Response& response, bool close);
  void write_head(const Response& response, bool close, std::uint64_t length);
  Task<bool> send_source(BodySource& source);
  Task<BodySource::Pull> pull(BodySource& source, std::span<char> out);
  void finish(const Response& response, bool aborted);
  bool has_no_body(int status) const;

  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  const Limits& limits() const { return context_->options.limits; }

  std::shared_ptr<ListenerContext> context_;
  std::shared_ptr<LoopState> state_;
  Stream stream_;
  SteadyTimer pause_;  // for a source that says wait, and for memory
  const Address peer_;

  std::unique_ptr<char[]> buffer_;  // heads, and bodies that came along with them
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::string leftover_;  // what a chunked body's reader took too much
  std::string body_;
  std::optional<BodyMemory::Share> share_;  // of what body_ holds
  std::shared_ptr<Connection*> self_;       // for the share, which may be cut by any thread
  std::string out_;

  Request request_;
  Framing framing_;
  RequestIds::Id id_{};
  SteadyTime begun_;
  std::uint64_t sent_body_ = 0;
  std::string_view source_failure_;  // why the body's source gave up, if it did
  unsigned in_a_row_ = 0;            // requests answered without giving others a turn
  bool first_ = true;
  bool idle_ = true;  // nothing of a request has arrived
  bool aborted_ = false;
};

}  // namespace valetkey::http
