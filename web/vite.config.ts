// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
  // VALETKEY_API=http://127.0.0.1:8080 npm run dev: pages of here, answers of a real server.
  server: { proxy: { "/v2": { target: process.env["VALETKEY_API"] ?? "http://127.0.0.1:8080" } } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // no data: addresses; the policy allows them for images only
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        // By this name the server knows which script gets the worker's policy.
        assetFileNames: (asset) =>
          asset.names[0]?.endsWith(".worker.js")
            ? "assets/query-worker-[hash][extname]"
            : "assets/[name]-[hash][extname]",
      },
    },
  },
});
