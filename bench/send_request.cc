// SPDX-License-Identifier: Apache-2.0
// Sends the request on stdin again and again, RATE times a second (0: as fast as it is answered);
// each answer must be a 200 with a Content-Length. Prints one line of JSON.
// usage: send_request PORT CONNECTIONS SECONDS RATE <REQUEST
#include <iostream>
#include <iterator>

#include "load.h"

namespace {

using valetkey::bench::Load;

Load::Answer judge(std::string_view answer) {
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return Load::Answer::unfinished;
  const auto head = answer.substr(0, end);
  const auto field = std::ranges::search(head, kLength, {}, [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  if (field.empty() || !head.starts_with("HTTP/1.1 200")) return Load::Answer::bad;
  const auto size = std::strtoul(field.end(), nullptr, 10);
  return answer.size() < end + 4 + size ? Load::Answer::unfinished : Load::Answer::good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: send_request PORT CONNECTIONS SECONDS RATE <REQUEST\n", stderr);
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  Load load(
      std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10), std::atof(argv[3]),
      std::atof(argv[4]), [&](std::string& request) { request = text; }, judge);
  load.run();
  load.print();
}
