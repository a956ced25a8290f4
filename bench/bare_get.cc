// SPDX-License-Identifier: Apache-2.0
// The floor under a download: read, decrypt, write to a socket, one connection after the other,
// nothing else. usage: bare_get FILE BYTES (makes FILE of sealed chunks, prints the port, serves
// until it is killed)
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <csignal>
#include <string>
#include <vector>

#include "bare_cipher.h"

namespace valetkey::bench {
namespace {

void make_file(const char* path, std::size_t chunks) {
  const auto fd =
      static_cast<int>(checked(::open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), path));
  Cipher cipher(Cipher::Way::seal);
  std::vector<unsigned char> chunk(kChunk + kTag);
  for (std::uint32_t number = 0; number < chunks; ++number) {
    std::memset(chunk.data(), static_cast<int>(number & 0xff), kChunk);
    cipher.run(number, chunk.data(), kChunk, chunk.data());
    write_all(fd, chunk.data(), chunk.size());
  }
  ::close(fd);
}

int listen_anywhere() {
  const auto fd =
      static_cast<int>(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), "bind");
  checked(::listen(fd, 8), "listen");
  checked(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// False when the client is gone.
bool answer(int client, int file, std::size_t chunks, Cipher& cipher) {
  std::array<char, 8192> request{};
  if (::read(client, request.data(), request.size()) <= 0) return false;
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(chunks * kChunk) + "\r\n\r\n";
  write_all(client, reinterpret_cast<const unsigned char*>(head.data()), head.size());
  static std::vector<unsigned char> sealed(kBatch * (kChunk + kTag));
  static std::vector<unsigned char> plain(kBatch * kChunk);
  for (std::size_t first = 0; first < chunks; first += kBatch) {
    const auto offset = static_cast<off_t>(first * (kChunk + kTag));
    const auto got = static_cast<std::size_t>(
        checked(::pread(file, sealed.data(), sealed.size(), offset), "pread"));
    const std::size_t count = got / (kChunk + kTag);
    for (std::size_t i = 0; i < count; ++i) {
      cipher.run(static_cast<std::uint32_t>(first + i), sealed.data() + i * (kChunk + kTag), kChunk,
                 plain.data() + i * kChunk);
    }
    write_all(client, plain.data(), count * kChunk);
  }
  return true;
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey::bench;
  if (argc != 3) {
    std::fputs("usage: bare_get FILE BYTES\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::size_t chunks = std::strtoull(argv[2], nullptr, 10) / kChunk;
  make_file(argv[1], chunks);
  const auto file = static_cast<int>(checked(::open(argv[1], O_RDONLY | O_CLOEXEC), argv[1]));
  const int listener = listen_anywhere();
  Cipher cipher(Cipher::Way::open);
  for (;;) {
    const auto client =
        static_cast<int>(checked(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept"));
    const int on = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (answer(client, file, chunks, cipher)) {
    }
    ::close(client);
  }
}
