// SPDX-License-Identifier: Apache-2.0
// Answers of a lying server: read alike in whatever pieces they come.
#include <cstdint>
#include <cstdlib>

#include "http/internal/response_reader.h"

namespace {

using valetkey::http::ResponseReader;

struct Outcome {
  ResponseReader::State state = ResponseReader::State::more;
  int status = 0;
  std::string body;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, std::size_t step, bool bodiless) {
  ResponseReader reader(bodiless);
  Outcome outcome;
  while (!bytes.empty() && outcome.state == ResponseReader::State::more) {
    const std::string piece(bytes.substr(0, step));
    bytes.remove_prefix(piece.size());
    outcome.state = reader.feed(piece);
    if (outcome.state != ResponseReader::State::failed) outcome.body += reader.piece();
  }
  if (outcome.state == ResponseReader::State::more) outcome.state = reader.end();
  outcome.status = reader.response().status;
  if (outcome.state == ResponseReader::State::failed) outcome.body.clear();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool bodiless = size % 5 == 0;
  const Outcome whole = read(bytes, size, bodiless);
  if (!(whole == read(bytes, 1, bodiless))) std::abort();
  if (whole.body.size() > size) std::abort();
  return 0;
}
