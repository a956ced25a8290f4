// SPDX-License-Identifier: Apache-2.0
// The readers of STS's answers on arbitrary text: what they take can stand in a header and in a log.
#include <cstdlib>

#include "aws/sts_answer.h"

using namespace valetkey;

namespace {

void check_plain(std::string_view text, char least) {
  for (const char c : text)
    if (c < least || c >= 0x7F) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* action : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const auto session = aws::parse_session(text, action);
    if (!session) continue;
    if (session->keys.access_key_id.empty() || !session->keys.session_token) std::abort();
    check_plain(session->keys.access_key_id, '!');
    check_plain(session->keys.session_token->reveal(), '!');
    if (session->packed_policy.value_or(0) > 100) std::abort();
  }
  if (const auto arn = aws::parse_identity(text)) check_plain(*arn, '!');
  http::ClientResponse answer;
  answer.status = 400;
  answer.body = std::string(text);
  const aws::StsError error = aws::explain(answer, "https://sts");
  check_plain(error.detail, ' ');
  if (error.detail.size() > 1000) std::abort();
  return 0;
}
