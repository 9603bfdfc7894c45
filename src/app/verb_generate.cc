#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/block_options.h"
#include "app/config_blocks.h"
#include "app/event_printer.h"
#include "app/feed_topic.h"
#include "app/load_config.h"
#include "app/registry.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "base/bytes.h"
#include "source/convert/convert.h"

namespace millrace::app {
namespace {

struct GenerateArguments {
  std::string kind;
  std::string topic;
  std::string output;
  config::Node options;
};

ExitCode ToOutput(event::Source& source, const GenerateArguments& arguments, std::optional<int64_t> rows) {
  Progress progress("generate");
  if (arguments.output.empty() || arguments.output == "-") {
    const SignalStop stop;
    PrintEvents(source, stdout, progress, rows, stop.token());
    return ExitCode::kDone;
  }
  source::ConvertOptions options;
  options.to = arguments.output;
  const auto stats = source::WriteRecords(source, options, [&](const source::ConvertStats& now) {
    std::optional<double> share;
    if (rows && *rows > 0) share = static_cast<double>(now.records) / static_cast<double>(*rows);
    progress.Show(now.records, share);
  });
  fmt::print(stderr, "wrote {} events, {}, to {}\n", stats.records,
             FormatByteSize(static_cast<uint64_t>(stats.bytes_out)), arguments.output);
  return ExitCode::kDone;
}

ExitCode Generate(const Session& session, GenerateArguments& arguments) {
  SetOption(arguments.options, "kind", arguments.kind, "KIND");
  SourceConfig config;
  config.generator = ParseOptions(GeneratorBlock(), arguments.options);
  const auto rows = config.generator->rows;
  auto source = MakeSource("generate", config);
  if (arguments.topic.empty()) return ToOutput(*source, arguments, rows);
  return FeedTopic(LoadConfigOrDefaults(session.config_paths), std::move(source),
                   {.topic = arguments.topic, .rows_max = rows});
}

}  // namespace

void AddGenerate(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<GenerateArguments>();
  auto* verb = AddVerb(
      root, session, "generate", "Made-up events: users, cards, clicks, events",
      [&session, arguments] { return Generate(session, *arguments); },
      "  millrace generate users --rows 5\n"
      "  millrace generate clicks --rows 1000000 --seed 7 -o clicks.jsonl\n"
      "  millrace generate users --rate 10 --topic users_created");
  verb->add_option("KIND", arguments->kind, "users, cards, clicks or events")->required();
  AddBlockOptions(*verb, *GeneratorBlock().info(), arguments->options, {"kind"});
  auto* topic = verb->add_option("--topic", arguments->topic, "Append to this topic instead of printing");
  verb->add_option("-o,--output", arguments->output,
                   "Write to this new file (.jsonl .json .csv, .gz .zst) instead of printing")
      ->excludes(topic);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app
