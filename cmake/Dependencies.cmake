# Every third-party library, found where `make setup` put it: Debian packages by their own config, and
# the pinned ones that Debian lacks under .deps (a link into the cache folder).
set(MILLRACE_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "what make setup fetched")
if(NOT EXISTS ${MILLRACE_DEPS})
  message(FATAL_ERROR "${MILLRACE_DEPS} is missing: run `make setup` first")
endif()
file(REAL_PATH ${MILLRACE_DEPS} _deps)

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(GTest REQUIRED)
find_package(date REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd_pc REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(lz4_pc REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(avro_pc REQUIRED IMPORTED_TARGET avro-c)
pkg_check_modules(xxhash_pc REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(seccomp_pc REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(edit_pc REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(xlsxwriter_pc REQUIRED IMPORTED_TARGET xlsxwriter)
pkg_check_modules(mongoc_pc REQUIRED IMPORTED_TARGET libmongoc-1.0)
add_library(zstd ALIAS PkgConfig::zstd_pc)
add_library(lz4 ALIAS PkgConfig::lz4_pc)
add_library(avro ALIAS PkgConfig::avro_pc)
add_library(xxhash ALIAS PkgConfig::xxhash_pc)
add_library(seccomp ALIAS PkgConfig::seccomp_pc)
add_library(edit ALIAS PkgConfig::edit_pc)
add_library(xlsxwriter ALIAS PkgConfig::xlsxwriter_pc)
find_library(MILLRACE_PROTOBUF protobuf REQUIRED)
add_library(protobuf SHARED IMPORTED GLOBAL)
set_target_properties(protobuf PROPERTIES IMPORTED_LOCATION ${MILLRACE_PROTOBUF})
# The driver itself is loaded when it is needed (src/io/mongo_driver.h).
pkg_check_modules(bson_pc REQUIRED IMPORTED_TARGET libbson-1.0)
add_library(mongoc INTERFACE)
target_include_directories(mongoc SYSTEM INTERFACE ${mongoc_pc_INCLUDE_DIRS})
target_link_libraries(mongoc INTERFACE PkgConfig::bson_pc ${CMAKE_DL_LIBS})

# Arrow: an installed package where there is one, else the pinned wheel.
execute_process(
  COMMAND ${_deps}/venv/bin/python -c
    "import pyarrow as p; print(p.get_include(), p.get_library_dirs()[0], p.cpp_build_info.so_version, sep=';', end='')"
  OUTPUT_VARIABLE _arrow RESULT_VARIABLE _arrow_failed)
if(_arrow_failed)
  message(FATAL_ERROR "no pyarrow in ${_deps}/venv: run `make setup`")
endif()
list(GET _arrow 0 _arrow_include)
list(GET _arrow 1 MILLRACE_ARROW_LIBRARY_DIR)
list(GET _arrow 2 _arrow_so)
function(_arrow_library name file)
  add_library(Arrow::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(Arrow::${name} PROPERTIES
    IMPORTED_LOCATION ${MILLRACE_ARROW_LIBRARY_DIR}/lib${file}.so.${_arrow_so}
    INTERFACE_LINK_LIBRARIES "${ARGN}")
  target_include_directories(Arrow::${name} SYSTEM INTERFACE ${_arrow_include})
endfunction()
_arrow_library(arrow arrow)
_arrow_library(parquet parquet Arrow::arrow)
_arrow_library(compute arrow_compute Arrow::arrow)

# The library itself is loaded when it is needed (src/query/duckdb_library.h).
add_library(duckdb INTERFACE)
target_include_directories(duckdb SYSTEM INTERFACE ${_deps}/duckdb)
target_link_options(duckdb INTERFACE LINKER:-rpath,${_deps}/duckdb)
target_link_libraries(duckdb INTERFACE ${CMAKE_DL_LIBS})

add_library(simdjson STATIC ${_deps}/simdjson/simdjson.cpp)
target_include_directories(simdjson SYSTEM PUBLIC ${_deps}/simdjson)
target_compile_options(simdjson PRIVATE -w -O3)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(simdjson PRIVATE -march=x86-64-v3)
endif()
set_target_properties(simdjson PROPERTIES POSITION_INDEPENDENT_CODE ON)

add_library(rdkafka STATIC IMPORTED GLOBAL)
set_target_properties(rdkafka PROPERTIES
  IMPORTED_LOCATION ${_deps}/rdkafka/lib/librdkafka.a
  INTERFACE_LINK_LIBRARIES
    "ZLIB::ZLIB;OpenSSL::SSL;OpenSSL::Crypto;zstd;CURL::libcurl;PkgConfig::lz4_pc;Threads::Threads;$<LINK_ONLY:m>;$<LINK_ONLY:dl>")
target_include_directories(rdkafka SYSTEM INTERFACE ${_deps}/rdkafka/include)
