namespace BackupApi.Config;

/// <summary>How the exporter speaks to its collector.</summary>
internal enum OtlpProtocol
{
    HttpProtobuf,
    Grpc,
}

/// <summary>Where figures and traces are sent by OTLP. Names and meaning are those of the OpenTelemetry specification, "OpenTelemetry Protocol Exporter".</summary>
internal sealed record TelemetryOptions
{
    /// <summary>The collector. Nothing is exported without it.</summary>
    /// <value><c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, such as <c>http://collector:4318</c>. Default: none.</value>
    public required Uri? Endpoint { get; init; }

    /// <summary>How it is spoken to.</summary>
    /// <value><c>OTEL_EXPORTER_OTLP_PROTOCOL</c>: http/protobuf or grpc. Default: grpc where the port is 4317, else http/protobuf.</value>
    public required OtlpProtocol Protocol { get; init; }

    /// <summary>Sent with each export: <c>name=value</c>, several with commas; a place for tokens, so it is never shown.</summary>
    /// <value><c>OTEL_EXPORTER_OTLP_HEADERS</c>, or <c>OTEL_EXPORTER_OTLP_HEADERS_FILE</c>. Default: none.</value>
    public string? Headers { get; init; }

    private const int GrpcPort = 4317;

    private static readonly Dictionary<string, OtlpProtocol> Protocols = new(StringComparer.OrdinalIgnoreCase) { ["http/protobuf"] = OtlpProtocol.HttpProtobuf, ["grpc"] = OtlpProtocol.Grpc };

    /// <summary>Never shows the headers, whoever logs it.</summary>
    public override string ToString() => nameof(TelemetryOptions);

    public static TelemetryOptions Read(SettingsReader settings)
    {
        const string Name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        var text = settings.Text(Name, "", 2000);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            endpoint = null;
            if (text.Length > 0)
            {
                settings.Add(Name, text, "an address such as http://collector:4318");
            }
        }

        return new TelemetryOptions
        {
            Endpoint = endpoint,
            Protocol = settings.Choice("OTEL_EXPORTER_OTLP_PROTOCOL", endpoint?.Port == GrpcPort ? OtlpProtocol.Grpc : OtlpProtocol.HttpProtobuf, Protocols),
            Headers = settings.Secret("OTEL_EXPORTER_OTLP_HEADERS"),
        };
    }
}
