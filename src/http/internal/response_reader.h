// SPDX-License-Identifier: Apache-2.0
// Reads one HTTP/1.1 answer from bytes as they come. Pure: no I/O. Takes nothing on trust: a head
// within limits, one framing, a body as long as announced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/client.h"
#include "http/internal/chunked.h"
#include "http/internal/head.h"

namespace valetkey::http {

class ResponseReader {
 public:
  enum class State : std::uint8_t { more, done, failed };
  // `bodiless`: the answer to HEAD.
  explicit ResponseReader(bool bodiless) : bodiless_(bodiless) {}

  // After more or done, piece() holds what of the body was in `bytes`, until the next call.
  State feed(std::string_view bytes);
  // The connection has ended: done if that ends the body.
  State end();

  bool head_complete() const { return phase_ != Phase::head; }
  std::string_view piece() const { return piece_; }
  std::uint64_t announced() const { return announced_; }  // bytes of body; 0: none or unknown
  // Without body.
  ClientResponse& response() { return response_; }
  // After done: the connection may carry another request.
  bool reusable() const { return framing_.keep_alive && !response_.until_close && !surplus_; }
  const char* fault() const { return fault_; }  // after failed

  static constexpr std::size_t kMaxHeadBytes = 64 * 1024;
  static constexpr std::size_t kMaxHeaders = 256;

 private:
  enum class Phase : std::uint8_t { head, sized, chunked, until_close, done };
  State fail(const char* fault);
  State feed_head(std::string_view bytes);
  State read_head(std::string_view text);
  State feed_body(std::string_view bytes);
  State finish(std::string_view rest);

  const bool bodiless_;
  Phase phase_ = Phase::head;
  HeadFinder finder_;
  std::string head_;   // and what came with it
  std::string early_;  // the part of head_ that is body, or a chunked piece
  unsigned interim_ = 0;
  Framing framing_;
  ClientResponse response_;
  std::uint64_t announced_ = 0, left_ = 0;
  ChunkDecoder chunks_{UINT64_MAX};
  std::string_view piece_;
  bool surplus_ = false;
  const char* fault_ = "";
};

}  // namespace valetkey::http
