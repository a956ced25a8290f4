// SPDX-License-Identifier: Apache-2.0
// A client that costs next to nothing: sends one request again and again over one connection and
// drops the bodies inside the kernel. usage: sink PORT TIMES < REQUEST (prints bytes of bodies and
// seconds)
#include <arpa/inet.h>
#include <sys/socket.h>

#include <chrono>
#include <iostream>
#include <iterator>
#include <string>

#include "bare_cipher.h"

namespace valetkey::bench {
namespace {

int connect_to(int port) {
  const auto fd =
      static_cast<int>(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  checked(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return fd;
}

// Reads up to the blank line; returns how much body is still to come.
std::size_t read_head(int fd) {
  std::string head;
  std::array<char, 4096> block{};
  std::size_t end = std::string::npos;
  while ((end = head.find("\r\n\r\n")) == std::string::npos) {
    const long n = checked(::recv(fd, block.data(), block.size(), 0), "recv");
    if (n == 0) die("closed in the head");
    head.append(block.data(), static_cast<std::size_t>(n));
  }
  if (head.compare(0, 12, "HTTP/1.1 200") != 0) {
    std::cerr << head << '\n';
    std::exit(1);
  }
  const std::size_t field = head.find("ontent-Length: ");
  if (field > end) die("no Content-Length");
  return std::strtoull(head.c_str() + field + 15, nullptr, 10) - (head.size() - end - 4);
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey::bench;
  if (argc != 3) {
    std::fputs("usage: sink PORT TIMES < REQUEST\n", stderr);
    return 2;
  }
  const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
  const int fd = connect_to(std::atoi(argv[1]));
  std::size_t total = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int times = std::atoi(argv[2]); times > 0; --times) {
    write_all(fd, reinterpret_cast<const unsigned char*>(request.data()), request.size());
    std::size_t left = read_head(fd);
    total += left;
    while (left > 0) {
      const long n =
          checked(::recv(fd, nullptr, std::min<std::size_t>(left, 1 << 20), MSG_TRUNC), "recv");
      if (n == 0) die("closed in the body");
      left -= static_cast<std::size_t>(n);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%zu %.6f\n", total, took.count());
}
