#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/block_options.h"
#include "app/config_blocks.h"
#include "app/progress.h"
#include "app/registry.h"
#include "app/verbs.h"
#include "base/bytes.h"
#include "source/convert/convert.h"

namespace millrace::app {
namespace {

struct ConvertArguments {
  std::string in;
  std::string out;
  bool overwrite = false;
  std::vector<std::string> drop;
  config::Node options;
};

ExitCode Convert(ConvertArguments& arguments) {
  SetOption(arguments.options, "path", arguments.in, "IN");
  SourceConfig config;
  config.file = ParseOptions(FileSourceBlock(), arguments.options);
  config.drop = arguments.drop;
  source::ConvertOptions options;
  options.from = FileOptionsFor("convert", config);
  options.to = arguments.out;
  options.overwrite = arguments.overwrite;
  source::ConvertStats stats;
  {
    Progress progress("convert");
    stats = source::Convert(options, [&progress](const source::ConvertStats& now) {
      std::optional<double> share;
      if (now.bytes_in_total > 0) share = static_cast<double>(now.bytes_in) / static_cast<double>(now.bytes_in_total);
      progress.Show(now.records, share);
    });
  }
  fmt::print(stderr, "wrote {} records, {}, to {}\n", stats.records,
             FormatByteSize(static_cast<uint64_t>(stats.bytes_out)), arguments.out);
  if (stats.rejected > 0) {
    fmt::print(stderr, "millrace: {} records could not be written; they are in {}\n", stats.rejected,
               stats.rejects_path);
    return ExitCode::kFailed;
  }
  return ExitCode::kDone;
}

}  // namespace

void AddConvert(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ConvertArguments>();
  auto* verb = AddVerb(
      root, session, "convert", "Turn CSV, JSON lines and JSON arrays into each other, gzip and zstd too",
      [arguments] { return Convert(*arguments); },
      "  millrace convert cards.csv cards.jsonl.zst\n"
      "  millrace convert 'logs/*.jsonl.gz' all.csv\n"
      "  millrace convert cards.csv cards.json --drop card_number,cvv");
  verb->add_option("IN", arguments->in, "A file, or a pattern in quotes")->required();
  verb->add_option("OUT", arguments->out, "A new file; its name says the form: .jsonl .json .csv, with .gz or .zst")
      ->required();
  verb->add_flag("--overwrite", arguments->overwrite, "Replace OUT");
  verb->add_option("--drop", arguments->drop, "CSV columns to leave out")->delimiter(',');
  AddBlockOptions(*verb, *FileSourceBlock().info(), arguments->options, {"path", "follow"});
}

}  // namespace millrace::app
