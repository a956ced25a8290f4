// SPDX-License-Identifier: Apache-2.0
// Trino's own server in this process, with its Iceberg connector over the catalog. Runs the queries that it reads, a line
// each, and again after so many seconds; writes their rows as JSON, a line each.
// usage: TOKEN=... TrinoTables API S3_ENDPOINT SECONDS OUTPUT
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.plugin.iceberg.IcebergPlugin;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

public class TrinoTables {
  public static void main(String[] words) throws Exception {
    List<String> queries = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    var session = TestingSession.testSessionBuilder().setCatalog("vk").setSchema("export").setTimeZoneKey(TimeZoneKey.UTC_KEY)
        .build();
    List<String> said = new ArrayList<>();
    try (var trino = DistributedQueryRunner.builder(session).setWorkerCount(0).build()) {
      trino.installPlugin(new IcebergPlugin());
      trino.createCatalog("vk", "iceberg", Map.of(
          "iceberg.catalog.type", "rest",
          "iceberg.rest-catalog.uri", words[0] + "/iceberg",
          "iceberg.rest-catalog.security", "OAUTH2",
          "iceberg.rest-catalog.oauth2.token", System.getenv("TOKEN"),
          "iceberg.rest-catalog.vended-credentials-enabled", "true",
          "fs.s3.enabled", "true",
          "s3.endpoint", words[1],
          "s3.region", "us-east-1",
          "s3.path-style-access", "true"));
      for (int round = 0; round < 2; ++round) {
        if (round > 0) Thread.sleep(Long.parseLong(words[2]) * 1000);
        for (String query : queries)
          said.add(new ObjectMapper().writeValueAsString(
              trino.execute(query).getMaterializedRows().stream().map(MaterializedRow::getFields).toList()));
      }
    }
    Files.write(Path.of(words[3]), said);
  }
}
