using BackupApi.Config;
using BackupApi.Operations.Metrics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace BackupApi;

/// <summary>The part of the wiring that sends figures and traces to a collector, by OTLP; nothing of it is loaded unless one is named.</summary>
internal static class WiringTelemetry
{
    public static void AddTelemetry(this WebApplicationBuilder builder, BackupApiOptions options)
    {
        if (options.Telemetry.Endpoint is { } endpoint)
        {
            builder.Services.AddHostedService(provider => new TelemetryExport(options.Telemetry, endpoint, provider.GetRequiredService<Instruments>()));
        }
    }

    private static MeterProvider ExportMeasures(TelemetryOptions telemetry, Uri endpoint) => Sdk.CreateMeterProviderBuilder()
        .SetResourceBuilder(Resource())
        .AddMeter(Instruments.MeterName)
        .AddOtlpExporter(exporter => Configure(exporter, telemetry, endpoint, "v1/metrics"))
        .Build();

    private static TracerProvider ExportTraces(TelemetryOptions telemetry, Uri endpoint) => Sdk.CreateTracerProviderBuilder()
        .SetResourceBuilder(Resource())
        .AddSource(OperationTrace.SourceName)
        .AddOtlpExporter(exporter => Configure(exporter, telemetry, endpoint, "v1/traces"))
        .Build();

    /// <summary>Who sends; <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> say otherwise.</summary>
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddService("backupapi", serviceVersion: Wiring.Version)
        .AddTelemetrySdk()
        .AddEnvironmentVariableDetector();

    private static void Configure(OtlpExporterOptions exporter, TelemetryOptions telemetry, Uri endpoint, string signal)
    {
        var isGrpc = telemetry.Protocol == OtlpProtocol.Grpc;
        exporter.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        // By HTTP each signal has a path of its own below the endpoint.
        exporter.Endpoint = isGrpc ? endpoint : new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{signal}");
        exporter.Headers = telemetry.Headers ?? exporter.Headers;
    }

    /// <summary>Exports from the start of the service until its container is disposed: after the last operation ended.</summary>
    private sealed class TelemetryExport : IHostedService, IDisposable
    {
        /// <summary>Milliseconds for each of the two to send what is left at the end: a collector that is gone must not hold up the exit.</summary>
        private const int LastPatience = 1500;

        private readonly MeterProvider measures;
        private readonly TracerProvider traces;

        /// <param name="instruments">Exist before anybody listens.</param>
        public TelemetryExport(TelemetryOptions telemetry, Uri endpoint, Instruments instruments)
        {
            _ = instruments;
            measures = ExportMeasures(telemetry, endpoint);
            traces = ExportTraces(telemetry, endpoint);
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
            traces.Shutdown(LastPatience);
            measures.Shutdown(LastPatience);
            traces.Dispose();
            measures.Dispose();
        }
    }
}
