# Two stages: the first builds the package, the second contains it: bundles that need no other package to serve.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.client.json tsconfig.declarations.json README.md LICENSE CHANGELOG.md sluice.config.example.json sluice.config.schema.json ./
COPY deploy deploy
COPY protocol protocol
COPY scripts scripts
COPY src src
RUN npm run build && npm pack && tar -xzf sluice-*.tgz

FROM node:24-slim
ENV NODE_ENV=production SLUICE_HOST=0.0.0.0 SLUICE_DATA=/data
WORKDIR /app
COPY --from=build /app/package ./
RUN mkdir /data && chown node:node /data && ln -s /app/dist/src/main.js /usr/local/bin/sluice
USER node
VOLUME /data
EXPOSE 18789
# Sluice refuses to listen beyond loopback without a token: set SLUICE_TOKEN, or mount a config that reads it from a file.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.SLUICE_PORT ?? 18789) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The heap gets three quarters of the container's memory; the rest is for sockets, buffers and threads.
CMD ["node", "--max-old-space-size-percentage=75", "--max-semi-space-size=8", "dist/src/main.js", "serve"]
