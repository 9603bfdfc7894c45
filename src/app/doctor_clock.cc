#include <curl/curl.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "app/doctor_checks.h"
#include "app/warehouse_store.h"
#include "base/clock.h"
#include "base/split.h"
#include "io/http_client.h"
#include "io/http_url.h"
#include "io/outage_patience.h"

namespace millrace::app {
namespace {

/// Signed requests are refused from a quarter of an hour on, tokens sooner.
constexpr double kSkewRefused = 300;
constexpr double kSkewFelt = 5;

/// The servers that say what time it is in each answer, with the certificates theirs are checked against.
std::map<std::string, std::string> Servers(const PipelineConfig& pipeline) {
  std::map<std::string, std::string> servers;
  const auto add = [&](const std::string& url, const std::optional<config::Path>& ca_file) {
    if (!url.empty()) servers.emplace(url, ca_file ? ca_file->value : "");
  };
  if (const auto location = io::ParseS3Uri(pipeline.warehouse())) {
    add(io::BucketUrl(BucketOptions(pipeline.lake.s3, *location)), pipeline.lake.s3.ca_file);
  }
  if (pipeline.lake.catalog.rest) add(pipeline.lake.catalog.rest->uri, std::nullopt);
  if (pipeline.schema_registry) {
    for (const auto& url : SplitByCommas(pipeline.schema_registry->url)) add(url, pipeline.schema_registry->ca_file);
  }
  return servers;
}

/// Seconds that their clock is ahead of ours; nullopt when they do not say.
std::optional<double> SkewOf(const std::string& url, const std::string& ca_file) {
  io::HttpClient client({.ca_file = ca_file});
  const auto begun = Clock::System().Now();
  io::HttpRequest request;
  request.url = url;
  request.response_bytes_max = int64_t{1} << 20;
  const auto response = client.Send(request, io::OutagePatience::Stop());
  const auto ended = Clock::System().Now();
  const auto date = response.header("date");
  const time_t theirs = date ? curl_getdate(std::string(*date).c_str(), nullptr) : -1;
  if (theirs == -1) return std::nullopt;
  // A Date has whole seconds, and was written somewhere between asking and hearing.
  using Seconds = std::chrono::duration<double>;
  const double first = Seconds(begun.time_since_epoch()).count();
  const double last = Seconds(ended.time_since_epoch()).count();
  const auto at = static_cast<double>(theirs);
  if (at + 1 < first) return at + 1 - first;
  if (at > last) return at - last;
  return 0;
}

void LookAtServer(const std::string& url, const std::string& ca_file, Findings& findings) {
  const auto shown = io::ShownUrl(url);
  std::optional<double> skew;
  try {
    skew = SkewOf(url, ca_file);
  } catch (const Error&) {
    return;  // that it does not answer is told by its own check
  }
  if (!skew) return findings.Ok(fmt::format("{} does not say what time it is", shown));
  const auto says = fmt::format("this machine's clock and that of {} differ by {:.0f} s", shown, std::abs(*skew));
  constexpr const char* kMend = "keep the clock by NTP (timedatectl set-ntp true), here or there";
  if (std::abs(*skew) >= kSkewRefused)
    return findings.Fail(says + ", so signed requests and tokens are refused", kMend);
  if (std::abs(*skew) >= kSkewFelt)
    return findings.Warn(says + "; times of arrival and folders of hours are off by as much", kMend);
  findings.Ok(says);
}

}  // namespace

std::vector<DoctorCheck> ClockChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> checks;
  for (const auto& [url, ca_file] : Servers(pipeline)) {
    checks.push_back({"clock", [url, ca_file](Findings& findings, const std::stop_token&) {
                        LookAtServer(url, ca_file, findings);
                      }});
  }
  return checks;
}

}  // namespace millrace::app
