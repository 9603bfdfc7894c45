#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/export_place.h"
#include "app/report_models.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "base/bytes.h"

namespace millrace::app {
namespace {

struct ReportArguments {
  ReportOptions options;
  std::string to;
  bool all = false;
  bool overwrite = false;
};

ExitCode MakeReport(const Session& session, const ReportArguments& arguments) {
  const SignalStop stop;
  const auto opened = OpenLakeOf(session);
  const auto target = OpenExportTarget(opened.pipeline, arguments.to);
  if (target.name.empty())
    throw Error(ErrorCode::kUsage, fmt::format("--to names a file, such as report.html; {} is a folder", arguments.to));
  const auto where = target.place->Describe(target.name);
  if (!arguments.overwrite && target.place->Has(target.name))
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is there already; choose another name, or --overwrite to replace it", where));
  const auto page = ReportPage(ReadReport(opened, arguments.options, stop.token()));
  auto file = target.place->Open(target.name, arguments.overwrite);
  file->Write(page);
  std::move(*file).Finish();
  fmt::print(stderr, "wrote {} to {}\n", FormatByteSize(page.size()), where);
  return ExitCode::kDone;
}

}  // namespace

void AddReport(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ReportArguments>();
  auto* verb = AddVerb(
      root, session, "report", "One HTML file that tells of models, for people",
      [&session, arguments] { return MakeReport(session, *arguments); },
      "  millrace report --to report.html\n"
      "  millrace report --models gold.by_day,tag:daily --to s3://bucket/reports/today.html --overwrite");
  auto* models = verb->add_option("--models", arguments->options.models,
                                  "These: gold.by_day, tag:daily, +gold.by_day with what it is made of")
                     ->delimiter(',');
  verb->add_flag("--all", arguments->all, "Every model, which is the default")->excludes(models);
  verb->add_option("--to", arguments->to, "The file, here or in a bucket")->required();
  verb->add_option("--rows", arguments->options.rows_max, "How many rows of each are shown")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  verb->add_option("--runs", arguments->options.runs_max, "How many of its last runs")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  verb->add_flag("--overwrite", arguments->overwrite, "Replace the file");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
