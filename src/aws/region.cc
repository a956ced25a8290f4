// SPDX-License-Identifier: Apache-2.0
#include "aws/region.h"

#include <array>

#include "aws/internal/variables.h"

namespace valetkey::aws {
namespace {

struct Rule {
  std::string_view prefix;
  Partition partition;
};
constexpr std::array kRules{
    Rule{"cn-", {"aws-cn", "amazonaws.com.cn"}},
    Rule{"us-gov-", {"aws-us-gov", "amazonaws.com"}},
    Rule{"us-iso-", {"aws-iso", "c2s.ic.gov"}},
    Rule{"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}},
    Rule{"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}},
    Rule{"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}},
    Rule{"eusc-", {"aws-eusc", "amazonaws.eu"}},
};

std::string endpoint(std::string_view service, std::string_view region) {
  return std::string("https://")
      .append(service)
      .append(".")
      .append(region)
      .append(".")
      .append(partition_of(region).domain);
}

}  // namespace

Partition partition_of(std::string_view region) {
  for (const Rule& rule : kRules)
    if (region.starts_with(rule.prefix)) return rule.partition;
  return {"aws", "amazonaws.com"};
}

std::string sts_endpoint(std::string_view region) { return endpoint("sts", region); }
std::string s3_endpoint(std::string_view region) { return endpoint("s3", region); }

std::string sts_endpoint(std::string_view region, const Environment& env) {
  for (const char* name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"})
    if (const std::string stated = variable(env, name); !stated.empty()) return stated;
  return sts_endpoint(region);
}

}  // namespace valetkey::aws
