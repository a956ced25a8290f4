// SPDX-License-Identifier: Apache-2.0
// Sends events, each with a uuid of its own: as fast as they are taken, or RATE requests a second.
// Prints one line of JSON.
// usage: send_events PORT CONNECTIONS SECONDS [RATE]
#include <random>

#include "load.h"
#include "sdk_events.h"

int main(int argc, char** argv) {
  using namespace valetkey::bench;
  if (argc < 4) {
    std::fputs("usage: send_events PORT CONNECTIONS SECONDS [RATE]\n", stderr);
    return 2;
  }
  const int port = std::atoi(argv[1]);
  SdkBody body(std::random_device{}() * 0x9e3779b97f4a7c15ull, 100,
               std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count());
  const std::string head = fmt::format(
      "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bench\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\n\r\n",
      port, body.text().size());
  std::uint64_t next_event = 0;
  const auto next_request = [&](std::string& request) {
    request.assign(head).append(body.fill(next_event));
    next_event += SdkBody::kEvents;
  };
  const auto judge = [](std::string_view answer) {
    if (!answer.ends_with("\r\n\r\n")) return Load::Answer::bad;  // it has a body: a refusal
    return answer.starts_with("HTTP/1.1 204") ? Load::Answer::good : Load::Answer::bad;
  };
  Load load(port, std::strtoul(argv[2], nullptr, 10), std::atof(argv[3]),
            argc > 4 ? std::atof(argv[4]) : 0, next_request, judge);
  load.run();
  load.print(SdkBody::kEvents);
}
