#include "app/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "app/version.h"

namespace millrace::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome Millrace(std::vector<std::string> words) {
  std::vector<const char*> argv = {"millrace"};
  for (const auto& word : words) argv.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = Main(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

class CliTest : public testing::Test {
 protected:
  CliTest() {
    std::string name = testing::TempDir() + "cli_test_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~CliTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

TEST_F(CliTest, NoWordsShowHelp) {
  const auto outcome = Millrace({});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("First steps:"));
}

TEST_F(CliTest, WrongWordsAreUsageErrorsOfOneLine) {
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"tpoics"}, "millrace: unknown command 'tpoics'; did you mean 'topics'?; see `millrace --help`\n"},
           {{"topics", "lst"}, "millrace: unknown command 'lst'; did you mean 'list'?; see `millrace topics --help`\n"},
           {{"generate"}, "millrace: KIND is required; see `millrace generate --help`\n"},
           {{"generate", "userz"},
            "millrace: KIND: expected one of users, cards, clicks, events, found 'userz'; did you mean 'users'?\n"},
           {{"generate", "users", "--rows", "-1"}, "millrace: --rows: expected at least 0, found '-1'\n"},
           {{"produce", "--topic", "t", "--source-path", "x", "--schema-path", "order.txt"},
            "millrace: order.txt: is it Avro, JSON Schema or Protobuf? Say --schema-type AVRO, JSON or PROTOBUF (files "
            "that end in .avsc, .json and .proto go without saying)\n"},
           {{"produce", "--topic", "t", "--source-path", "x", "--subject-naming", "record"},
            "millrace: --subject-naming says how a schema is registered; give one with --schema-path\n"},
           {{"produce", "--topic", "t", "--source-path", "x", "--schema-registry", "h:1", "--schema-path",
             "order.avsc"},
            "millrace: --schema-registry: 'h:1' is no http:// or https:// address\n"},
           {{"completions", "tcsh"}, "millrace: there are completions for bash, zsh and fish, not for 'tcsh'\n"}}) {
    const auto outcome = Millrace(words);
    EXPECT_EQ(outcome.code, 64) << words.front();
    EXPECT_EQ(outcome.err, message);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(CliTest, ConfigurationErrorsAre78) {
  const auto outcome = Millrace({"check", "-c", Write("x.yaml", "tables:\n  silver.users: { form: users }\n")});
  EXPECT_EQ(outcome.code, 78);
  EXPECT_THAT(outcome.err, StartsWith("millrace: 2 mistakes in the configuration:\n"));
  EXPECT_THAT(outcome.err, HasSubstr("x.yaml:2: tables.silver.users: unknown key 'form'; did you mean 'from'?"));
  EXPECT_EQ(Millrace({"check", "-c", (folder_ / "nowhere.yaml").string()}).code, 78);
}

TEST_F(CliTest, WhatIsNotThereYetIs69) {
  const auto config = Write("x.yaml", "data_dir: data\n");
  const auto outcome = Millrace({"topics", "list", "-c", config});
  EXPECT_EQ(outcome.code, 69);
  EXPECT_THAT(outcome.err, HasSubstr("there is no data in " + (folder_ / "data").string() + " yet"));
}

TEST_F(CliTest, AForeignFolderIsLeftAlone) {
  std::filesystem::create_directory(folder_ / "data");
  Write("data/thesis.doc", "x");
  const auto outcome = Millrace({"topics", "create", "t", "-c", Write("x.yaml", "data_dir: data\n")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("holds 'thesis.doc' and no millrace data"));
}

TEST_F(CliTest, ANewerFormatStops) {
  std::filesystem::create_directory(folder_ / "data");
  Write("data/format", "millrace data 2\n");
  const auto outcome = Millrace({"topics", "list", "-c", Write("x.yaml", "data_dir: data\n")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr(std::string("has format 2 and millrace ") + kVersion + " knows format 1"));
}

TEST_F(CliTest, WhatDoesNotRunIsNotReady) {
  const auto config = Write("x.yaml", "data_dir: data\n");
  EXPECT_EQ(Millrace({"topics", "create", "t", "-c", config}).code, 0);
  const auto outcome = Millrace({"status", "--ready", "--json", "-c", config});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("not ready: the pipeline does not run"));
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["ready"], false);
}

TEST_F(CliTest, TopicsAreMadeFilledShownAndDeleted) {
  const auto config = Write("x.yaml", "data_dir: data\n");
  EXPECT_EQ(Millrace({"topics", "create", "t", "--partitions", "2", "--retention", "7d", "-c", config}).code, 0);
  const auto records = Write("r.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
  EXPECT_EQ(Millrace({"produce", "--topic", "t", "--source-path", records, "--rows", "2", "-c", config}).err,
            "appended 2 events to t\n");
  const auto list = Millrace({"topics", "list", "--json", "-c", config});
  EXPECT_EQ(nlohmann::json::parse(list.out)[0]["records"], 2);
  EXPECT_EQ(nlohmann::json::parse(list.out)[0]["retention"], "7d");
  EXPECT_EQ(Millrace({"topics", "tail", "t", "-n", "9", "-c", config}).out, "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_EQ(Millrace({"topics", "delete", "t", "-c", config}).code, 64);
  EXPECT_EQ(Millrace({"topics", "delete", "t", "--yes", "-c", config}).code, 0);
  const auto gone = Millrace({"topics", "describe", "t", "-c", config});
  EXPECT_EQ(gone.code, 64);
  EXPECT_EQ(gone.err, "millrace: there is no topic 't'\n");
}

TEST_F(CliTest, DroppedColumnsNeverReachTheStream) {
  const auto config = Write("x.yaml", "data_dir: data\n");
  const auto cards = Write("cards.csv", "id,cvv\n1,623\n");
  EXPECT_EQ(Millrace({"produce", "--topic", "t", "--source-path", cards, "--drop", "cvv", "-c", config}).code, 0);
  EXPECT_EQ(Millrace({"topics", "tail", "t", "-c", config}).out, "{\"id\":1}\n");
}

TEST_F(CliTest, GenerateIsRepeatableAndNeverOverwrites) {
  const auto first = Millrace({"generate", "clicks", "--rows", "5", "--seed", "3"});
  EXPECT_EQ(first.out, Millrace({"generate", "clicks", "--rows", "5", "--seed", "3"}).out);
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\n'), 5);
  const auto file = (folder_ / "c.jsonl").string();
  EXPECT_EQ(Millrace({"generate", "clicks", "--rows", "5", "--seed", "3", "-o", file}).code, 0);
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), first.out);
  EXPECT_EQ(Millrace({"generate", "clicks", "--rows", "5", "-o", file}).code, 64);
}

TEST_F(CliTest, ConvertGoesBackAndForth) {
  const auto csv = Write("a.csv", "id,name,cvv\n1,\"Ann, B\",9\n2,Bo,8\n");
  const auto packed = (folder_ / "a.jsonl.gz").string();
  const auto back = (folder_ / "b.csv").string();
  EXPECT_EQ(Millrace({"convert", csv, packed, "--drop", "cvv"}).code, 0);
  EXPECT_EQ(Millrace({"convert", packed, back}).code, 0);
  std::stringstream text;
  text << std::ifstream(back).rdbuf();
  EXPECT_EQ(text.str(), "id,name\r\n1,\"Ann, B\"\r\n2,Bo\r\n");
  EXPECT_EQ(Millrace({"convert", packed, back}).code, 64);
}

TEST_F(CliTest, CompletionScriptsAreTakenByTheirShell) {
  const auto script = Millrace({"completions", "bash"});
  EXPECT_THAT(script.out, HasSubstr("\"topics tail\""));
  const auto file = Write("complete.bash", script.out +
                                               "\nCOMP_WORDS=(millrace topics ta); COMP_CWORD=2; _millrace; "
                                               "[ \"${COMPREPLY[*]}\" = tail ] || exit 9\n");
  EXPECT_EQ(std::system(("bash " + file).c_str()), 0);
}

TEST_F(CliTest, ReferenceAndSchemaNameEveryBlock) {
  const auto reference = Millrace({"docs", "reference"}).out;
  for (const auto* heading : {"## `sources.<source>.file.csv`", "## `tables.<table>.contract`", "## `lake`"}) {
    EXPECT_THAT(reference, HasSubstr(heading));
  }
  const auto schema = nlohmann::json::parse(Millrace({"docs", "schema"}).out);
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["tables"]["additionalProperties"]["required"], nlohmann::json::array({"from"}));
}

}  // namespace
}  // namespace millrace::app
