// SPDX-License-Identifier: Apache-2.0
#include "issuer/sts_issuer.h"

#include <array>

#include "aws/session_policy.h"
#include "base/log.h"

namespace valetkey::issuer {
namespace {

using aws::StsFault;
constexpr seconds kChainedLife{3600};
constexpr milliseconds kHoldAfterFault{1'000};
constexpr milliseconds kHoldAfterThrottle{250};
constexpr milliseconds kMaxSkew{5 * 60'000};
// Engines cut off by whole seconds of their own clocks.
constexpr milliseconds kCutMargin{2'000};

constexpr std::array<std::string_view, 3> kNames{"aws", "ceph", "minio"};

// For clients: what they can do, and nothing of the operator's.
std::string sentence_for_clients(StsFault fault) {
  switch (fault) {
    case StsFault::away:
      return "the credential service of the bucket does not answer";
    case StsFault::own_expired:
    case StsFault::own_refused:
      return "the credential service of the bucket refuses this server's own credentials; the "
             "operator must look";
    case StsFault::clock:
      return "the clock of this server is wrong; the operator must set it";
    case StsFault::denied:
    case StsFault::no_role:
      return "this server may not assume the account's role; the operator must look";
    case StsFault::policy_too_large:
    case StsFault::policy_malformed:
      return "the account's prefixes do not fit into a session; the operator must shorten them";
    case StsFault::too_long:
    case StsFault::chained_too_long:
      return "no session of that length can be had; ask for a shorter one";
    default:
      return "the credential service of the bucket is not set up; the operator must look";
  }
}

// Whether nobody else would fare better at the moment.
bool is_of_the_engine(StsFault fault) {
  switch (fault) {
    case StsFault::denied:
    case StsFault::no_role:
    case StsFault::too_long:
    case StsFault::chained_too_long:
    case StsFault::policy_too_large:
    case StsFault::policy_malformed:
      return false;
    default:
      return true;
  }
}

// The account's role is the bound on Ceph, whatever a session's policy says; MinIO believes everybody's
// X-Forwarded-For.
access::CredentialIssuer::Holds holds_of(Engine engine) {
  return {.prefixes = engine != Engine::ceph, .sources = engine == Engine::aws};
}

Result<void> check_holds(Engine engine, const control::Narrowing& narrowing) {
  const auto holds = holds_of(engine);
  if (!holds.prefixes && !narrowing.empty())
    return fail(ErrorCode::invalid,
                "sessions of Ceph are bounded by the account's role alone, so no token there is "
                "limited to prefixes, types or networks: create one without such limits");
  if (!holds.sources && !narrowing.sources().empty())
    return fail(ErrorCode::invalid,
                "MinIO believes everybody's X-Forwarded-For, so no token there is limited to "
                "networks: create one without sources");
  return {};
}

}  // namespace

std::string_view name_of(Engine engine) { return kNames[static_cast<std::size_t>(engine)]; }

Result<Engine> parse_engine(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Engine>(i);
  return fail(ErrorCode::invalid, "an engine is aws, ceph or minio");
}

StsIssuer::StsIssuer(StsOptions options, StsParts parts)
    : options_(std::move(options)), parts_(parts) {}

access::CredentialIssuer::Holds StsIssuer::holds() const { return holds_of(options_.engine); }

Result<std::shared_ptr<const access::Place>> StsIssuer::place(const AccountId& account) {
  VALETKEY_TRY(Bound bound, bound_of(account, {}));
  return std::move(bound.place);
}

std::optional<Result<access::Credentials>> StsIssuer::issue_at_once(
    const control::TokenGrant& grant, milliseconds duration, Timestamp now) {
  const auto latest = access::end_of_session(grant, duration, min_life(), now);
  if (!latest) return std::unexpected(latest.error());
  const auto kept = cache_.find(BoughtSessions::key_of(grant, duration), now, *latest);
  // Anything may have changed since it was last found to count.
  if (!kept || kept->generation != parts_.feed.generation()) return std::nullopt;
  ++counts_.hits;
  return kept->credentials;
}

Result<access::Credentials> StsIssuer::issue(const control::TokenGrant& grant,
                                             milliseconds duration, Timestamp now) {
  VALETKEY_TRY(const Timestamp latest, access::end_of_session(grant, duration, min_life(), now));
  const std::uint64_t generation = parts_.feed.generation();
  VALETKEY_TRY(const Bound bound, bound_of(grant.account, grant.narrowing));
  const std::string key = BoughtSessions::key_of(grant, duration);
  const auto revoked = parts_.feed.revocations();
  const auto counts = [&](const issuer::Bought& bought) {
    return *bought.credentials.place == *bound.place &&
           !(revoked &&
             revoked->refuse(grant.account, grant.user, grant.token, bought.issued - kCutMargin));
  };
  if (const auto kept = cache_.find(key, now, latest); kept && counts(*kept)) {
    ++counts_.hits;
    if (kept->generation != generation)
      cache_.keep(key, {kept->credentials, kept->issued, generation}, now);
    return kept->credentials;
  }
  const std::string alike = key + "\n" + bound.policy;
  auto [bought, shared] = flights_.fly(alike, [&]() -> Bought {
    // Another flight may have landed since the look above; what it bought is kept before it ends.
    if (const auto kept = cache_.find(key, now, latest); kept && counts(*kept)) return *kept;
    VALETKEY_TRY(issuer::Bought fresh, buy(grant, bound, latest, now));
    VALETKEY_CHECK(still_counts(grant, now));
    fresh.generation = generation;
    cache_.keep(key, fresh, now);
    return fresh;
  });
  if (shared) ++counts_.shared;
  if (!bought) return std::unexpected(bought.error());
  return bought->credentials;
}

// A cut-off ends what the engine gave until then. What it gave behind one, to a server that had not
// yet seen why, must not be given out: the reason is written before the cut-off, so a look after
// the purchase sees it.
Result<void> StsIssuer::still_counts(const control::TokenGrant& grant, Timestamp now) const {
  if (!parts_.feed.poll())
    return fail(ErrorCode::unavailable, "the control store cannot be read at the moment");
  const auto revoked = parts_.feed.revocations();
  if (!revoked || !revoked->refuse(grant.account, grant.user, grant.token, now)) return {};
  return fail(ErrorCode::busy, "token " + grant.token.str() + " was revoked meanwhile");
}

Result<StsIssuer::Bound> StsIssuer::bound_of(const AccountId& account,
                                             const control::Narrowing& narrowing) {
  VALETKEY_CHECK(check_holds(options_.engine, narrowing));
  const auto policy = parts_.store.policy(account);
  // Of an error of the store, hosts and users are nobody's but the operator's.
  if (!policy && policy.error().code == ErrorCode::unavailable) {
    log::warn("issuer", "an account's policy cannot be read", {{"why", policy.error().detail}});
    return fail(ErrorCode::unavailable, "the control store cannot be read at the moment");
  }
  if (!policy) return std::unexpected(policy.error());
  VALETKEY_TRY(access::Place place, place_of(options_.templates, *policy, account));
  place.endpoint = options_.endpoint;
  place.region = options_.region;
  aws::PrefixBound policy_bound{.bucket = place.bucket,
                                .prefixes = {},
                                .partition = options_.partition,
                                .kms_key_arn = options_.kms_key_arn};
  for (const std::string& below : narrowing.prefixes())
    policy_bound.prefixes.push_back(place.prefix + below);
  if (policy_bound.prefixes.empty()) policy_bound.prefixes.push_back(place.prefix);
  for (const AddressBlock& source : narrowing.sources())
    policy_bound.sources.push_back(source.str());
  Bound bound;
  VALETKEY_TRY(bound.policy, aws::prefix_policy(policy_bound));
  VALETKEY_TRY(bound.role_arn, fill(options_.templates.role_arn, account));
  bound.place = std::make_shared<const access::Place>(std::move(place));
  return bound;
}

// Whether the engine may be asked now.
Result<void> StsIssuer::admit() {
  const auto now = parts_.steady.now();
  if (now < closed_until_.load()) {
    const std::lock_guard lock(closed_mutex_);
    return std::unexpected(closed_why_);
  }
  const auto cost = limits::cost_of(1, options_.calls_per_s);
  const auto wait = pace_.take(now, cost, seconds(1));
  if (wait.count() <= 0) return {};
  ++counts_.over_budget;
  return fail(ErrorCode::busy, "the budget of calls to STS is spent for this second");
}

StsIssuer::Bought StsIssuer::buy(const control::TokenGrant& grant, const Bound& bound,
                                 Timestamp expires, Timestamp now) {
  VALETKEY_CHECK(admit());
  // Whole seconds, and never longer than asked for.
  const auto life = std::chrono::floor<seconds>(expires - now);
  auto session = assume(grant, bound, life, now);
  if (!session) return std::unexpected(refused(session.error()));
  const Timestamp ends = session->expires;
  if (ends > expires + kMaxSkew || ends < now + min_life() - kMaxSkew)
    return std::unexpected(
        refused({StsFault::clock, "STS gives sessions that end at " + format_iso8601(ends) +
                                      ": set the clock of this machine, or of the engine"}));
  if (const unsigned packed = session->packed_policy.value_or(0);
      packed > counts_.packed_policy_percent)
    counts_.packed_policy_percent = packed;
  access::Credentials credentials{session->keys.access_key_id, session->keys.secret_access_key,
                                  *session->keys.session_token, std::min(ends, expires),
                                  bound.place};
  return issuer::Bought{std::move(credentials), now, 0};
}

aws::StsResult<aws::StsSession> StsIssuer::assume(const control::TokenGrant& grant,
                                                  const Bound& bound, seconds life, Timestamp now) {
  if (chained_) life = std::min(life, kChainedLife);
  auto session = assume_once(grant, bound, life, now);
  if (session) return session;
  if (session.error().fault == StsFault::chained_too_long && life > kChainedLife) {
    if (!chained_.exchange(true))
      log::warn("issuer",
                "sessions live for an hour at most: this server's own role was assumed by a role");
    return assume_once(grant, bound, kChainedLife, now);
  }
  // Ceph says the one or the other of a role that is not there.
  if (options_.engine == Engine::ceph &&
      (session.error().fault == StsFault::no_role || session.error().fault == StsFault::denied)) {
    if (auto opened = parts_.roles.open(grant.account, bound.role_arn, bound.policy, now); !opened)
      return std::unexpected(aws::StsError{session.error().fault, opened.error().detail});
    return assume_once(grant, bound, life, now);
  }
  return session;
}

aws::StsResult<aws::StsSession> StsIssuer::assume_once(const control::TokenGrant& grant,
                                                       const Bound& bound, seconds life,
                                                       Timestamp now) {
  const auto own = parts_.keys.get(now);
  if (!own) return std::unexpected(aws::StsError{StsFault::own_expired, own.error().detail});
  aws::AssumeRole ask{.role_arn = bound.role_arn,
                      .session_name = grant.account.str() + "-" + grant.token.str(),
                      .external_id = options_.external_id,
                      .policy = bound.policy,
                      .duration = life};
  if (options_.engine == Engine::aws)
    ask.tags = {{"account", grant.account.str()}, {"token", grant.token.str()}};
  ++counts_.calls;
  auto session = parts_.sts.assume(ask, (*own)->keys, now);
  if (!session && (session.error().fault == StsFault::own_expired ||
                   session.error().fault == StsFault::own_refused))
    parts_.keys.forget(*own, now);
  return session;
}

// The client's view, after the operator's was logged; and what becomes of those who come next.
Error StsIssuer::refused(const aws::StsError& why) {
  ++counts_.failed;
  const bool throttled = why.fault == StsFault::throttled;
  if (throttled) ++counts_.throttled;
  log::warn("issuer", throttled ? "STS throttles this server" : "STS gives no session",
            {{"why", why.detail}});
  Error error = throttled ? Error{ErrorCode::busy, why.detail}
                          : Error{ErrorCode::unavailable, sentence_for_clients(why.fault)};
  if (is_of_the_engine(why.fault)) {
    const auto hold = throttled ? kHoldAfterThrottle : kHoldAfterFault;
    const std::lock_guard lock(closed_mutex_);
    closed_why_ = error;
    closed_until_ = parts_.steady.now() + hold;
  }
  return error;
}

Result<void> StsIssuer::open_account(const AccountId& account, Timestamp now) {
  VALETKEY_TRY(const Bound bound, bound_of(account, {}));
  return parts_.roles.open(account, bound.role_arn, bound.policy, now);
}

Result<void> StsIssuer::check_narrowing(const AccountId& account,
                                        const control::Narrowing& narrowing) {
  if (narrowing.empty()) return {};
  auto bound = bound_of(account, narrowing);
  if (!bound && bound.error().code == ErrorCode::too_large)
    return fail(ErrorCode::invalid, bound.error().detail);
  if (!bound) return std::unexpected(bound.error());
  return {};
}

Result<access::CutOff> StsIssuer::cut_off(const access::Cut& cut, Timestamp now) {
  VALETKEY_TRY(const std::string role, fill(options_.templates.role_arn, cut.account));
  cache_.forget(cut.account);
  auto done = parts_.roles.cut(cut, role, now);
  if (done)
    for (const AccountId& other : done->others) cache_.forget(other);
  return done;
}

}  // namespace valetkey::issuer
