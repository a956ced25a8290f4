// SPDX-License-Identifier: Apache-2.0
#include "issuer/place.h"

#include "aws/iam.h"
#include "aws/session_policy.h"

namespace valetkey::issuer {
namespace {

constexpr std::string_view kAccount = "{account}";

}  // namespace

Result<std::string> fill(std::string_view text, const AccountId& account) {
  std::string out;
  while (!text.empty()) {
    const auto brace = text.find_first_of("{}");
    out.append(text.substr(0, brace));
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    if (!text.starts_with(kAccount))
      return fail(ErrorCode::invalid, "braces may stand around the word account alone: {account}");
    out += account.str();
    text.remove_prefix(kAccount.size());
  }
  return out;
}

Result<access::Place> place_of(const Templates& templates, const control::AccountPolicy& policy,
                               const AccountId& account) {
  access::Place place;
  VALETKEY_TRY(place.bucket, fill(templates.bucket, account));
  VALETKEY_TRY(place.prefix, fill(templates.prefix, account));
  if (policy.bucket) place.bucket = *policy.bucket;
  if (policy.prefix) place.prefix = *policy.prefix;
  VALETKEY_CHECK(aws::check_bucket(place.bucket));
  VALETKEY_CHECK(aws::check_prefix(place.prefix));
  return place;
}

Result<void> check_templates(const Templates& templates, bool role_per_account) {
  // The longest id that there may be.
  VALETKEY_TRY(const AccountId longest, AccountId::parse("12345678901234567890"));
  const auto in = [](const char* key, const Error& why) {
    return fail(ErrorCode::invalid, std::string("[issuer] ") + key + ": " + why.detail);
  };
  if (const auto place = place_of(templates, {}, longest); !place)
    return in("bucket and prefix", place.error());
  if (!templates.bucket.contains(kAccount) && !templates.prefix.contains(kAccount))
    return fail(ErrorCode::invalid,
                "[issuer] prefix or bucket must hold {account}: without it every account would "
                "read the data of all");
  const auto role = fill(templates.role_arn, longest);
  if (!role) return in("role_arn", role.error());
  const std::string name = aws::role_name(*role);
  if (name.empty() || name.size() > 64)
    return fail(ErrorCode::invalid,
                "[issuer] role_arn must be the ARN of a role, such as "
                "arn:aws:iam::123456789012:role/valetkey-reader, whose name has at most 64 "
                "characters");
  if (role_per_account && !aws::role_name(templates.role_arn).contains(kAccount))
    return fail(
        ErrorCode::invalid,
        "[issuer] role_arn must hold {account} in its name: on Ceph the role is what bounds "
        "an account, such as arn:aws:iam:::role/valetkey-{account}");
  return {};
}

}  // namespace valetkey::issuer
