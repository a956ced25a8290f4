// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "base/testing/temporary_folder.h"
#include "http/testing/server.h"

namespace valetkey::http {
namespace {

using testing::HasSubstr;

// A folder with a fresh self-signed certificate for `name` ("DNS:…" or "IP:…") and its key.
class Certificate {
 public:
  explicit Certificate(const char* name = "IP:127.0.0.1", int days = 1) { write(name, days); }

  std::string chain() const { return folder_ / "chain.pem"; }
  std::string key() const { return folder_ / "key.pem"; }
  auto load() const { return TlsContext::load(chain(), key()); }

  void write(const char* name, int days) const {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* leaf = X509_new();
    X509_set_version(leaf, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(leaf), days);
    X509_gmtime_adj(X509_getm_notBefore(leaf), -60);
    X509_gmtime_adj(X509_getm_notAfter(leaf), days * 86400L);
    X509_set_pubkey(leaf, pair);
    X509_NAME* subject = X509_get_subject_name(leaf);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("valetkey test"), -1, -1, 0);
    X509_set_issuer_name(leaf, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
    X509_add_ext(leaf, names, -1);
    X509_sign(leaf, pair, EVP_sha256());
    save(chain(), 0644, [&](std::FILE* f) { PEM_write_X509(f, leaf); });
    save(key(), 0600, [&](std::FILE* f) {
      PEM_write_PrivateKey(f, pair, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_EXTENSION_free(names);
    X509_free(leaf);
    EVP_PKEY_free(pair);
  }

 private:
  template <class Write>
  static void save(const std::string& path, mode_t mode, Write write) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    write(file);
    std::fclose(file);
    ::chmod(path.c_str(), mode);
  }
  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
};

// OpenSSL over a blocking socket, trusting anybody.
class BareTls {
 public:
  BareTls(std::uint16_t port, int version)
      : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, raw_.fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~BareTls() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  BareTls(const BareTls&) = delete;
  BareTls& operator=(const BareTls&) = delete;
  bool connected() const { return connected_; }
  long serial() const {
    X509* leaf = SSL_get1_peer_certificate(ssl_);
    const long serial = leaf == nullptr ? 0 : ASN1_INTEGER_get(X509_get0_serialNumber(leaf));
    X509_free(leaf);
    return serial;
  }
  std::string ask(std::string_view bytes) {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    char answer[4096];
    const int n = SSL_read(ssl_, answer, sizeof answer);
    return {answer, static_cast<std::size_t>(std::max(n, 0))};
  }

 private:
  RawClient raw_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
};

std::string https(const TestServer& server, std::string_view path) {
  return "https://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

TEST(Tls, ServesVersions12And13Only) {
  const Certificate certificate;
  TestServer server({}, *certificate.load());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    BareTls client(server.port(), version);
    ASSERT_TRUE(client.connected());
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(body_of(client.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")), "hello /a");
  }
  EXPECT_FALSE(BareTls(server.port(), TLS1_1_VERSION).connected());
}

TEST(Tls, CarriesBodiesOfEveryKind) {
  const Certificate certificate;
  TestServer server({}, *certificate.load());
  TestClient client({.ca_file = certificate.chain()});
  EXPECT_EQ(client.get(https(server, "/stream"))->body, std::string(200'000, 'b'));
  EXPECT_EQ(client.get(https(server, "/large"))->body, std::string(3'000'000, 'L'));
  ClientRequest post{.method = "POST",
                     .url = *Url::parse(https(server, "/echo")),
                     .headers = {},
                     .body = std::string(90'000, 'x')};
  EXPECT_EQ(client.send(post)->body, post.body);
  EXPECT_EQ(server.listener->connections(), 1U);
  EXPECT_EQ(client.get(https(server, "/failing")).error().code, ErrorCode::unavailable);
}

TEST(Tls, ClientTrustsOnlyWhatItIsTold) {
  const Certificate certificate;
  TestServer server({}, *certificate.load());
  const auto stranger = TestClient().get(https(server, "/"));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::denied);
  EXPECT_THAT(stranger.error().detail, HasSubstr("certificate is not accepted"));
  const Certificate other;
  EXPECT_FALSE(TestClient({.ca_file = other.chain()}).get(https(server, "/")));
  EXPECT_EQ(TestClient({.ca_file = certificate.key()}).get(https(server, "/")).error().code,
            ErrorCode::invalid);
}

TEST(Tls, ClientSaysThatAPortSpeaksTls) {
  const Certificate certificate;
  TestServer server({}, *certificate.load());
  const auto plain = TestClient().get("http" + https(server, "/").substr(5));
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, ErrorCode::io);
  EXPECT_THAT(plain.error().detail, HasSubstr("this port speaks TLS: use https://"));
}

TEST(Tls, ClientChecksTheName) {
  const Certificate certificate("DNS:localhost");
  TestServer server({}, *certificate.load());
  TestClient client({.ca_file = certificate.chain()});
  EXPECT_TRUE(client.get("https://localhost:" + std::to_string(server.port()) + "/"));
  const auto result = client.get(https(server, "/"));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().detail, HasSubstr("mismatch"));
  EXPECT_THAT(result.error().detail, HasSubstr("use the name that it was made for"));
}

TEST(Tls, ReloadsForNewConnections) {
  const Certificate certificate("IP:127.0.0.1", 1);
  const auto context = *certificate.load();
  TestServer server({}, context);
  BareTls before(server.port(), TLS1_3_VERSION);
  const Timestamp first_end = context->not_after();
  certificate.write("IP:127.0.0.1", 5);
  ASSERT_TRUE(context->reload());
  EXPECT_EQ(before.serial(), 1);
  EXPECT_EQ(body_of(before.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")), "hello /a");
  EXPECT_EQ(BareTls(server.port(), TLS1_3_VERSION).serial(), 5);
  EXPECT_GE(context->not_after() - first_end, std::chrono::hours(95));
}

TEST(Tls, KeepsTheFormerPairWhenAReloadFails) {
  const Certificate certificate("IP:127.0.0.1", 1);
  const auto context = *certificate.load();
  TestServer server({}, context);
  std::filesystem::remove(certificate.key());
  EXPECT_EQ(context->reload().error().code, ErrorCode::not_found);
  EXPECT_EQ(BareTls(server.port(), TLS1_3_VERSION).serial(), 1);
}

TEST(Tls, RefusesKeysThatOthersCanRead) {
  const Certificate certificate;
  for (const mode_t mode : {0644, 0640, 0604, 0620}) {
    ::chmod(certificate.key().c_str(), mode);
    const auto loaded = certificate.load();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::denied);
    EXPECT_THAT(loaded.error().detail, HasSubstr("chmod 600"));
  }
}

TEST(Tls, SaysWhichFileIsWrong) {
  const Certificate one;
  const Certificate two;
  EXPECT_THAT(TlsContext::load(one.chain(), two.key()).error().detail,
              HasSubstr("does not belong"));
  EXPECT_THAT(TlsContext::load(one.key(), one.key()).error().detail,
              HasSubstr("certificate chain"));
  ::chmod(one.chain().c_str(), 0600);
  EXPECT_THAT(TlsContext::load(one.chain(), one.chain()).error().detail, HasSubstr("private key"));
  EXPECT_EQ(TlsContext::load("/nonexistent.pem", one.key()).error().code, ErrorCode::not_found);
}

TEST(Tls, EndsHandshakesThatDoNotCome) {
  const Certificate certificate;
  Limits limits;
  limits.head_timeout = milliseconds(150);
  TestServer server(limits, *certificate.load());
  EXPECT_EQ(RawClient(server.port()).read_all(), "");
  RawClient plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(plain.read_all()), 0);
  EXPECT_TRUE(eventually([&] { return server.listener->connections() == 0; }));
}

}  // namespace
}  // namespace valetkey::http
