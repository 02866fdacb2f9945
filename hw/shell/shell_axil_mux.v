// SPDX-License-Identifier: AGPL-3.0-or-later
// One AXI4-Lite master to N slaves, each in a window of 2^WINDOW_BITS bytes. An address without a slave is answered with
// DECERR. One write and one read are in work at a time; the choice of the slave is a register.
`default_nettype none
module shell_axil_mux #(
    parameter N = 1,
    parameter [N*32-1:0] BASES = 32'h4000_0000,
    parameter WINDOW_BITS = 16
) (
    input  wire            clk,
    input  wire            reset_n,
    input  wire [31:0]     s_axi_AWADDR,
    input  wire            s_axi_AWVALID,
    output wire            s_axi_AWREADY,
    input  wire [31:0]     s_axi_WDATA,
    input  wire [3:0]      s_axi_WSTRB,
    input  wire            s_axi_WVALID,
    output wire            s_axi_WREADY,
    output wire [1:0]      s_axi_BRESP,
    output wire            s_axi_BVALID,
    input  wire            s_axi_BREADY,
    input  wire [31:0]     s_axi_ARADDR,
    input  wire            s_axi_ARVALID,
    output wire            s_axi_ARREADY,
    output wire [31:0]     s_axi_RDATA,
    output wire [1:0]      s_axi_RRESP,
    output wire            s_axi_RVALID,
    input  wire            s_axi_RREADY,
    output wire [N*32-1:0] m_axi_AWADDR,
    output wire [N-1:0]    m_axi_AWVALID,
    input  wire [N-1:0]    m_axi_AWREADY,
    output wire [N*32-1:0] m_axi_WDATA,
    output wire [N*4-1:0]  m_axi_WSTRB,
    output wire [N-1:0]    m_axi_WVALID,
    input  wire [N-1:0]    m_axi_WREADY,
    input  wire [N*2-1:0]  m_axi_BRESP,
    input  wire [N-1:0]    m_axi_BVALID,
    output wire [N-1:0]    m_axi_BREADY,
    output wire [N*32-1:0] m_axi_ARADDR,
    output wire [N-1:0]    m_axi_ARVALID,
    input  wire [N-1:0]    m_axi_ARREADY,
    input  wire [N*32-1:0] m_axi_RDATA,
    input  wire [N*2-1:0]  m_axi_RRESP,
    input  wire [N-1:0]    m_axi_RVALID,
    output wire [N-1:0]    m_axi_RREADY
);
    localparam [1:0] DECERR = 2'b11;
    localparam [2:0] RESET = 0, TAKE = 1, DECODE = 2, SEND = 3, ANSWER = 4, RESPOND = 5;

    reg reset;
    always @(posedge clk) reset <= !reset_n;

    function [N-1:0] decode;
        input [31:0] address;
        integer i;
        for (i = 0; i < N; i = i + 1) decode[i] = address[31:WINDOW_BITS] == BASES[i*32+WINDOW_BITS +: 32-WINDOW_BITS];
    endfunction

    // writes
    reg [2:0] wstate;
    reg [31:0] waddr, wdata;
    reg [3:0] wstrb;
    reg [1:0] bresp, bresp_in;
    reg have_address, have_data, awvalid, wvalid;
    reg [N-1:0] wslave;
    wire aw_done = !awvalid || |(wslave & m_axi_AWREADY);
    wire w_done = !wvalid || |(wslave & m_axi_WREADY);

    assign s_axi_AWREADY = wstate == TAKE && !have_address;
    assign s_axi_WREADY = wstate == TAKE && !have_data;
    assign s_axi_BRESP = bresp;
    assign s_axi_BVALID = wstate == RESPOND;
    assign m_axi_AWADDR = {N{waddr}};
    assign m_axi_AWVALID = wslave & {N{awvalid}};
    assign m_axi_WDATA = {N{wdata}};
    assign m_axi_WSTRB = {N{wstrb}};
    assign m_axi_WVALID = wslave & {N{wvalid}};
    assign m_axi_BREADY = wslave & {N{wstate == ANSWER}};

    integer wi;
    always @* begin
        bresp_in = 2'b00;
        for (wi = 0; wi < N; wi = wi + 1) bresp_in = bresp_in | (m_axi_BRESP[wi*2 +: 2] & {2{wslave[wi]}});
    end

    always @(posedge clk)
        if (reset) begin
            wstate <= RESET;
            waddr <= 32'd0;
            wdata <= 32'd0;
            wstrb <= 4'd0;
            bresp <= 2'b00;
            have_address <= 1'b0;
            have_data <= 1'b0;
            awvalid <= 1'b0;
            wvalid <= 1'b0;
            wslave <= 0;
        end else
            case (wstate)
                TAKE: begin
                    if (s_axi_AWVALID && !have_address) begin
                        waddr <= s_axi_AWADDR;
                        have_address <= 1'b1;
                    end
                    if (s_axi_WVALID && !have_data) begin
                        wdata <= s_axi_WDATA;
                        wstrb <= s_axi_WSTRB;
                        have_data <= 1'b1;
                    end
                    if (have_address && have_data) begin
                        have_address <= 1'b0;
                        have_data <= 1'b0;
                        wslave <= decode(waddr);
                        wstate <= DECODE;
                    end
                end
                DECODE:
                    if (wslave == 0) begin
                        bresp <= DECERR;
                        wstate <= RESPOND;
                    end else begin
                        awvalid <= 1'b1;
                        wvalid <= 1'b1;
                        wstate <= SEND;
                    end
                SEND: begin
                    if (aw_done) awvalid <= 1'b0;
                    if (w_done) wvalid <= 1'b0;
                    if (aw_done && w_done) wstate <= ANSWER;
                end
                ANSWER:
                    if (|(wslave & m_axi_BVALID)) begin
                        bresp <= bresp_in;
                        wstate <= RESPOND;
                    end
                RESPOND: if (s_axi_BREADY) wstate <= TAKE;
                default: wstate <= TAKE;
            endcase

    // reads
    reg [2:0] rstate;
    reg [31:0] raddr, rdata, rdata_in;
    reg [1:0] rresp, rresp_in;
    reg [N-1:0] rslave;

    assign s_axi_ARREADY = rstate == TAKE;
    assign s_axi_RDATA = rdata;
    assign s_axi_RRESP = rresp;
    assign s_axi_RVALID = rstate == RESPOND;
    assign m_axi_ARADDR = {N{raddr}};
    assign m_axi_ARVALID = rslave & {N{rstate == SEND}};
    assign m_axi_RREADY = rslave & {N{rstate == ANSWER}};

    integer ri;
    always @* begin
        rdata_in = 32'd0;
        rresp_in = 2'b00;
        for (ri = 0; ri < N; ri = ri + 1) begin
            rdata_in = rdata_in | (m_axi_RDATA[ri*32 +: 32] & {32{rslave[ri]}});
            rresp_in = rresp_in | (m_axi_RRESP[ri*2 +: 2] & {2{rslave[ri]}});
        end
    end

    always @(posedge clk)
        if (reset) begin
            rstate <= RESET;
            raddr <= 32'd0;
            rdata <= 32'd0;
            rresp <= 2'b00;
            rslave <= 0;
        end else
            case (rstate)
                TAKE:
                    if (s_axi_ARVALID) begin
                        raddr <= s_axi_ARADDR;
                        rslave <= decode(s_axi_ARADDR);
                        rstate <= DECODE;
                    end
                DECODE:
                    if (rslave == 0) begin
                        rdata <= 32'd0;
                        rresp <= DECERR;
                        rstate <= RESPOND;
                    end else rstate <= SEND;
                SEND: if (|(rslave & m_axi_ARREADY)) rstate <= ANSWER;
                ANSWER:
                    if (|(rslave & m_axi_RVALID)) begin
                        rdata <= rdata_in;
                        rresp <= rresp_in;
                        rstate <= RESPOND;
                    end
                RESPOND: if (s_axi_RREADY) rstate <= TAKE;
                default: rstate <= TAKE;
            endcase
endmodule
`default_nettype wire
