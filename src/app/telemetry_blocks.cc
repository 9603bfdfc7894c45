#include "app/telemetry_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "io/http_url.h"
#include "io/percent_encoding.h"

namespace millrace::app {
namespace {

using config::Block;

void CheckUrl(const config::Located& block, const char* option, const std::optional<std::string>& url, bool has_secret,
              const std::string& path, config::ParseContext& context) {
  if (!url) return;
  const auto wrong = [&](const char* what) {
    context.problems.Add(block.MarkOf(option), fmt::format("{}.{}: {}", path, option, what));
  };
  if (io::OriginOf(*url).empty() || (!url->starts_with("http://") && !url->starts_with("https://"))) {
    wrong("expected an http:// or https:// address");
  } else if (has_secret && !io::MaySendSecretsTo(*url)) {
    wrong("a token goes over TLS alone: https://");
  }
}

/// What says something only together with a place says nothing without one.
void NeedsPlace(const config::Located& block, const char* place, std::initializer_list<const char*> options,
                const std::string& path, config::ParseContext& context) {
  for (const auto* option : options) {
    if (!block.Given(option)) continue;
    context.problems.Add(block.MarkOf(option),
                         fmt::format("{}.{}: it belongs to `{}`, which is not given", path, option, place));
  }
}

void CheckTraces(const TracesConfig& traces, const std::string& path, config::ParseContext& context) {
  CheckUrl(traces, "endpoint", traces.endpoint, traces.token.has_value(), path, context);
  if (!traces.endpoint) NeedsPlace(traces, "endpoint", {"token", "ca_file"}, path, context);
}

void CheckLineage(const LineageConfig& lineage, const std::string& path, config::ParseContext& context) {
  CheckUrl(lineage, "url", lineage.url, lineage.api_key.has_value(), path, context);
  if (!lineage.url) NeedsPlace(lineage, "url", {"api_key", "ca_file"}, path, context);
  if (lineage.url && lineage.file)
    context.problems.Add(lineage.MarkOf("file"), path + ".file: events go to one place; leave out `url` or `file`");
}

bool HasOneOf(const telemetry::GetVariable& get, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* name) { return !get(name).value_or("").empty(); });
}

using Variables = std::map<std::string, std::string>;

/// Address, token and certificates are one: a token of the configuration never goes where the environment points.
void AddTraces(const TracesConfig& traces, const telemetry::GetVariable& process, Variables& said) {
  if (traces.endpoint && !HasOneOf(process, {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"})) {
    said["OTEL_EXPORTER_OTLP_ENDPOINT"] = *traces.endpoint;
    if (traces.token)
      said["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=Bearer%20" + io::PercentEncoded(traces.token->Reveal());
    if (traces.ca_file) said["OTEL_EXPORTER_OTLP_CERTIFICATE"] = traces.ca_file->value;
  }
  if (traces.service_name) said["OTEL_SERVICE_NAME"] = *traces.service_name;
  if (traces.sample && !HasOneOf(process, {"OTEL_TRACES_SAMPLER"})) {
    said["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio";
    said["OTEL_TRACES_SAMPLER_ARG"] = fmt::format("{}", traces.sample->value);
  }
}

void AddLineage(const LineageConfig& lineage, const telemetry::GetVariable& process, Variables& said) {
  if (lineage.name_space) said["OPENLINEAGE_NAMESPACE"] = *lineage.name_space;
  if (HasOneOf(process, {"OPENLINEAGE_URL", "OPENLINEAGE__TRANSPORT__TYPE"})) return;
  if (lineage.url) said["OPENLINEAGE_URL"] = *lineage.url;
  if (lineage.api_key) said["OPENLINEAGE_API_KEY"] = lineage.api_key->Reveal();
  if (lineage.ca_file) said["OPENLINEAGE_CA_FILE"] = lineage.ca_file->value;
  if (!lineage.file) return;
  said["OPENLINEAGE__TRANSPORT__TYPE"] = "file";
  said["OPENLINEAGE__TRANSPORT__LOG_FILE_PATH"] = lineage.file->value;
}

}  // namespace

const Block<TracesConfig>& TracesBlock() {
  static const auto block =
      Block<TracesConfig>(
          "Traces of what the pipeline does, for an OpenTelemetry collector. The standard OTEL_* variables say the "
          "same, and win. Without an endpoint there are none. See docs/observability.md.")
          .Add(
              &TracesConfig::endpoint,
              {.name = "endpoint",
               .doc = "The collector's address for OTLP over HTTP, such as http://localhost:4318; /v1/traces is added. "
                      "OTEL_EXPORTER_OTLP_ENDPOINT."})
          .Add(&TracesConfig::token,
               {.name = "token", .doc = "A bearer token. OTEL_EXPORTER_OTLP_HEADERS says other headers."})
          .Add(&TracesConfig::ca_file, {.name = "ca_file",
                                        .doc = "PEM file of the certificates to trust. Without it, the system's. "
                                               "OTEL_EXPORTER_OTLP_CERTIFICATE."})
          .Add(&TracesConfig::service_name,
               {.name = "service_name",
                .doc = "What the collector calls this process: `millrace` without it. OTEL_SERVICE_NAME."})
          .Add(&TracesConfig::sample,
               {.name = "sample",
                .doc = "The part of traces that is kept, such as 10%; all without it. OTEL_TRACES_SAMPLER."})
          .Check(CheckTraces);
  return block;
}

const Block<LineageConfig>& LineageBlock() {
  static const auto block =
      Block<LineageConfig>(
          "OpenLineage events: of each commit and run of a model, what was made of what. The variables of "
          "OpenLineage's clients say the same, and win. See docs/observability.md.")
          .Add(&LineageConfig::url, {.name = "url",
                                     .doc = "Where events are posted, such as http://localhost:5000; /api/v1/lineage "
                                            "is added. OPENLINEAGE_URL."})
          .Add(&LineageConfig::file, {.name = "file", .doc = "Or a file to which they are added, one a line."})
          .Add(&LineageConfig::api_key, {.name = "api_key", .doc = "A bearer token. OPENLINEAGE_API_KEY."})
          .Add(&LineageConfig::ca_file,
               {.name = "ca_file", .doc = "PEM file of the certificates to trust. Without it, the system's."})
          .Add(&LineageConfig::name_space,
               {.name = "namespace",
                .doc = "The namespace of the jobs: the pipeline's name without it. OPENLINEAGE_NAMESPACE."})
          .Check(CheckLineage);
  return block;
}

telemetry::GetVariable TelemetryVariables(const PipelineConfig& pipeline, telemetry::GetVariable process) {
  Variables said;
  if (pipeline.traces) AddTraces(*pipeline.traces, process, said);
  if (pipeline.lineage) AddLineage(*pipeline.lineage, process, said);
  return [said = std::move(said), process = std::move(process)](const std::string& name) {
    auto value = process(name);
    if (value && !value->empty()) return value;
    const auto found = said.find(name);
    return found == said.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

}  // namespace millrace::app
